-- What was published, in one order, also while nobody listened: plugins, clients, runs, signals to one run.
CREATE TABLE event (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  -- Only this run hears it.
  run_id TEXT,
  stored_at INTEGER NOT NULL,
  -- The envelope, as JSON.
  envelope TEXT NOT NULL,
  UNIQUE (source, event_id)
) STRICT;

CREATE INDEX event_type ON event (type, position);

-- A consumed event moves a run as a timer does.
CREATE TABLE workflow_task_next (
  run_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  reference TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  call TEXT,
  parent_seq INTEGER,
  iteration INTEGER,
  attempt INTEGER NOT NULL,
  status TEXT NOT NULL,
  effect TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  event TEXT CHECK (event IN ('effect', 'timer', 'timeout', 'event')),
  event_order INTEGER,
  input TEXT,
  output TEXT,
  error TEXT,
  details TEXT,
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO workflow_task_next SELECT * FROM workflow_task;

DROP TABLE workflow_task;

ALTER TABLE workflow_task_next RENAME TO workflow_task;

-- Where its listeners begin: what was stored before the run is not its concern.
ALTER TABLE workflow_run ADD COLUMN event_position INTEGER NOT NULL DEFAULT 0;
