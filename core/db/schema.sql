CREATE TABLE audit_entry (
  seq INTEGER PRIMARY KEY,
  ts_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  run TEXT,
  task TEXT,
  plugin TEXT,
  model TEXT,
  status TEXT,
  body BLOB NOT NULL,
  leaf BLOB NOT NULL CHECK (length(leaf) = 32)
) STRICT;

CREATE INDEX audit_entry_ts ON audit_entry (ts_ms);

CREATE INDEX audit_entry_kind ON audit_entry (kind);

CREATE INDEX audit_entry_actor ON audit_entry (actor_id);

CREATE INDEX audit_entry_run ON audit_entry (run) WHERE run IS NOT NULL;

CREATE INDEX audit_entry_plugin ON audit_entry (plugin) WHERE plugin IS NOT NULL;

CREATE INDEX audit_entry_model ON audit_entry (model) WHERE model IS NOT NULL;

CREATE INDEX audit_entry_status ON audit_entry (status) WHERE status NOT IN ('ok', 'completed');

CREATE TABLE audit_payload (
  id INTEGER PRIMARY KEY,
  role TEXT NOT NULL,
  salt BLOB,
  bytes BLOB
) STRICT;

CREATE TABLE audit_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  log TEXT NOT NULL,
  size INTEGER NOT NULL,
  frontier BLOB NOT NULL
) STRICT;

CREATE TABLE audit_checkpoint (
  size INTEGER PRIMARY KEY,
  note TEXT NOT NULL
) STRICT;

CREATE TABLE thought (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  body TEXT,
  color TEXT,
  position_x REAL,
  position_y REAL,
  simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
  run_id TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- SHA-256 of the canonical form at creation: repeating the creation is recognised, another one under the same id refused.
  creation_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX thought_created ON thought (created_at, id);

CREATE TABLE segment (
  id TEXT PRIMARY KEY,
  thought_id TEXT NOT NULL REFERENCES thought (id) ON DELETE CASCADE,
  title TEXT,
  content TEXT NOT NULL,
  content_type TEXT NOT NULL CHECK (content_type IN ('text', 'markdown', 'code', 'mermaid')),
  fields TEXT NOT NULL,
  sort_order INTEGER NOT NULL
) STRICT;

CREATE INDEX segment_thought ON segment (thought_id, sort_order);

CREATE TABLE thought_tag (
  thought_id TEXT NOT NULL REFERENCES thought (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  sort_order INTEGER NOT NULL,
  PRIMARY KEY (thought_id, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX thought_tag_tag ON thought_tag (tag, thought_id);

CREATE TABLE access_token (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  secret_sha256 BLOB NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER
, tools TEXT NOT NULL DEFAULT '[]') STRICT;

CREATE TABLE plugin_grant (
  plugin_id TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  plugin_group TEXT NOT NULL CHECK (plugin_group IN ('builtin', 'user')),
  permissions TEXT NOT NULL,
  tools_hash TEXT,
  granted_by TEXT NOT NULL,
  granted_at INTEGER NOT NULL
, outside_sandbox INTEGER NOT NULL DEFAULT 0 CHECK (outside_sandbox IN (0, 1))) STRICT;

CREATE TABLE workflow_grant (
  definition_hash TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  granted_by TEXT NOT NULL,
  granted_at INTEGER NOT NULL,
  PRIMARY KEY (definition_hash, action, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_definition (
  hash TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  document TEXT NOT NULL,
  title TEXT,
  summary TEXT,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_version (
  id INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  hash TEXT NOT NULL REFERENCES workflow_definition (hash),
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (namespace, name, version)
) STRICT;

CREATE TABLE workflow_run (
  id TEXT PRIMARY KEY,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  hash TEXT NOT NULL REFERENCES workflow_definition (hash),
  status TEXT NOT NULL,
  status_reason TEXT,
  input TEXT,
  output TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  parent_run TEXT,
  parent_task TEXT,
  simulated INTEGER NOT NULL DEFAULT 0 CHECK (simulated IN (0, 1)),
  started_by TEXT,
  idempotency_key TEXT UNIQUE,
  -- Rises with every owner: a write of an older owner is refused.
  epoch INTEGER NOT NULL,
  recoveries INTEGER NOT NULL DEFAULT 0,
  -- Recoveries since a step was last recorded: what tells a poison run.
  idle_recoveries INTEGER NOT NULL DEFAULT 0,
  event_seq INTEGER NOT NULL DEFAULT 0
, tainted INTEGER NOT NULL DEFAULT 0 CHECK (tainted IN (0, 1)), priority INTEGER NOT NULL DEFAULT 0, queue TEXT, event_position INTEGER NOT NULL DEFAULT 0, owner TEXT) STRICT;

CREATE INDEX workflow_run_created ON workflow_run (created_at, id);

CREATE INDEX workflow_run_live ON workflow_run (id) WHERE status NOT IN ('completed', 'faulted', 'cancelled');

CREATE INDEX workflow_run_status ON workflow_run (status, created_at);

CREATE INDEX workflow_run_hash ON workflow_run (hash);

CREATE INDEX workflow_run_parent ON workflow_run (parent_run) WHERE parent_run IS NOT NULL;

CREATE TABLE workflow_event (
  last_id INTEGER PRIMARY KEY,
  first_id INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  events TEXT NOT NULL
) STRICT;

CREATE INDEX workflow_event_run ON workflow_event (run_id, last_id);

CREATE TABLE approval (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  run TEXT,
  task TEXT,
  plugin TEXT,
  -- SHA-256 of the canonical payload: a decision names it.
  content_hash TEXT NOT NULL,
  payload TEXT NOT NULL,
  payload_bytes INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'failed', 'undone')),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  decision TEXT CHECK (decision IN ('approved', 'rejected', 'expired')),
  decided_at INTEGER,
  decided_by TEXT,
  comment TEXT,
  -- When the owner had carried the decision out, or had failed to: until then a start of the workbench tries again.
  settled_at INTEGER,
  outcome TEXT,
  undo_requested_at INTEGER,
  undo_requested_by TEXT,
  undone_at INTEGER
) STRICT;

CREATE INDEX approval_status ON approval (status, created_at, id);

CREATE INDEX approval_created ON approval (created_at, id);

CREATE INDEX approval_unsettled ON approval (id)
  WHERE (decision IS NOT NULL AND settled_at IS NULL) OR (undo_requested_at IS NOT NULL AND undone_at IS NULL);

CREATE TABLE blob (
  sha256 TEXT PRIMARY KEY,
  bytes BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE blob_owner (
  owner TEXT NOT NULL,
  sha256 TEXT NOT NULL REFERENCES blob (sha256),
  payer TEXT NOT NULL,
  media TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL, private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
  PRIMARY KEY (owner, sha256, payer)
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_owner_sha256 ON blob_owner (sha256);

CREATE INDEX blob_owner_payer ON blob_owner (payer, owner);

CREATE TABLE storage_usage (
  owner TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('value', 'blob')),
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  entries INTEGER NOT NULL CHECK (entries >= 0),
  PRIMARY KEY (owner, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_value (
  plugin_id TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  updated_at INTEGER NOT NULL, private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
  PRIMARY KEY (plugin_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_setting (
  plugin_id TEXT PRIMARY KEY,
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  settings TEXT NOT NULL DEFAULT '{}',
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE plugin_tokens (
  plugin_id TEXT NOT NULL,
  day TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  PRIMARY KEY (plugin_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE lockdown (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reason TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  -- What triggered it by itself, in the same words each time.
  cause TEXT
) STRICT;

CREATE TABLE lockdown_acknowledged (
  cause TEXT PRIMARY KEY,
  cleared_by TEXT NOT NULL,
  cleared_at INTEGER NOT NULL
) STRICT;

CREATE TABLE private_owner (
  owner TEXT PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_private_folder (
  plugin_id TEXT PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE llm_alias (
  alias TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  options TEXT NOT NULL DEFAULT '{}',
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_pin (
  run_id TEXT NOT NULL,
  plugin_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  permissions TEXT NOT NULL,
  tools_hash TEXT,
  PRIMARY KEY (run_id, plugin_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX plugin_pin_plugin ON plugin_pin (plugin_id, sha256);

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

CREATE TABLE "workflow_task" (
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

CREATE TABLE workflow_engine (
  id TEXT PRIMARY KEY,
  lease_until INTEGER NOT NULL
) STRICT;

CREATE INDEX workflow_run_ended ON workflow_run (ended_at, id) WHERE status IN ('completed', 'faulted', 'cancelled');
