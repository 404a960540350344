-- Whether a person let this content run without the sandbox.
ALTER TABLE plugin_grant ADD COLUMN outside_sandbox INTEGER NOT NULL DEFAULT 0 CHECK (outside_sandbox IN (0, 1));
