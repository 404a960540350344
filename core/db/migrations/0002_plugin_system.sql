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
-- What a crash may have cut off.
CREATE INDEX approval_unsettled ON approval (id)
  WHERE (decision IS NOT NULL AND settled_at IS NULL) OR (undo_requested_at IS NOT NULL AND undone_at IS NULL);

CREATE TABLE blob (
  sha256 TEXT PRIMARY KEY,
  bytes BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Who may read a blob, and who pays for it: the owner itself, or the one that stored it and let it be handed over.
CREATE TABLE blob_owner (
  owner TEXT NOT NULL,
  sha256 TEXT NOT NULL REFERENCES blob (sha256),
  payer TEXT NOT NULL,
  media TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (owner, sha256, payer)
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_owner_sha256 ON blob_owner (sha256);
CREATE INDEX blob_owner_payer ON blob_owner (payer, owner);

-- Running totals of plugin_value and blob_owner, so that a quota needs no scan.
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
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (plugin_id, key)
) STRICT, WITHOUT ROWID;

-- What a person set for an installed plugin; no row means enabled, with the manifest's defaults.
CREATE TABLE plugin_setting (
  plugin_id TEXT PRIMARY KEY,
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  settings TEXT NOT NULL DEFAULT '{}',
  updated_at INTEGER NOT NULL
) STRICT;

-- Tokens that a plugin's prompts and answers used, for its daily limit.
CREATE TABLE plugin_tokens (
  plugin_id TEXT NOT NULL,
  day TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  PRIMARY KEY (plugin_id, day)
) STRICT, WITHOUT ROWID;

-- Plugin tools that the client of a token may call over the Model Context Protocol: a JSON list of `<plugin>#<tool>`.
ALTER TABLE access_token ADD COLUMN tools TEXT NOT NULL DEFAULT '[]';

-- At most one row: while it is there, everything privileged is refused.
CREATE TABLE lockdown (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reason TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  -- What triggered it by itself, in the same words each time.
  cause TEXT
) STRICT;

-- Causes that a person knew of when leaving a lockdown: they trigger none again.
CREATE TABLE lockdown_acknowledged (
  cause TEXT PRIMARY KEY,
  cleared_by TEXT NOT NULL,
  cleared_at INTEGER NOT NULL
) STRICT;

-- A step of the run read private data: what it does from then on is decided with that in mind.
ALTER TABLE workflow_run ADD COLUMN tainted INTEGER NOT NULL DEFAULT 0 CHECK (tainted IN (0, 1));
