-- What a run that waits for a place needs to get it in its order: its line, and how urgent it is.
ALTER TABLE workflow_run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow_run ADD COLUMN queue TEXT;
