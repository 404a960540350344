-- Which content of a plugin a run that has not ended began with, and what that content was granted.
CREATE TABLE plugin_pin (
  run_id TEXT NOT NULL,
  plugin_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  permissions TEXT NOT NULL,
  tools_hash TEXT,
  PRIMARY KEY (run_id, plugin_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX plugin_pin_plugin ON plugin_pin (plugin_id, sha256);
