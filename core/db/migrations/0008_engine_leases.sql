-- Engines that share the database: an engine whose lease has run out is taken for dead, and its runs go on elsewhere.
CREATE TABLE workflow_engine (
  id TEXT PRIMARY KEY,
  lease_until INTEGER NOT NULL
) STRICT;

ALTER TABLE workflow_run ADD COLUMN owner TEXT;
