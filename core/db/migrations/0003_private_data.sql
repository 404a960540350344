-- What was kept by somebody who had read private data: whoever reads it has, too. What is there already says nothing about that.
ALTER TABLE plugin_value ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE blob_owner ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
UPDATE plugin_value SET private = 1;
UPDATE blob_owner SET private = 1;

-- Owners that kept, or took away, something while they were tainted: what is not there says something, too.
CREATE TABLE private_owner (
  owner TEXT PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO private_owner (owner, since)
  SELECT DISTINCT owner, unixepoch() * 1000 FROM (SELECT owner FROM blob_owner UNION SELECT 'plugin:' || plugin_id FROM plugin_value);

-- Plugins whose own folder was within the reach of a tainted process.
CREATE TABLE plugin_private_folder (
  plugin_id TEXT PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO plugin_private_folder (plugin_id, since)
  SELECT plugin_id, unixepoch() * 1000 FROM plugin_grant WHERE json_extract(permissions, '$."fs.data"') IS NOT NULL;

-- Which model a name stands for, where a person chose one; names without a row are chosen among what there is.
CREATE TABLE llm_alias (
  alias TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  options TEXT NOT NULL DEFAULT '{}',
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
