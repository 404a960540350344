import type { KeptPrivate, Reader } from "../ports/index.ts";
import type { WriteContext } from "../db/index.ts";
import { pluginOwner } from "./limits.ts";

// Owners that kept or took away something while they had read private data. The label of each value and blob says whose content is private;
// this one, what their absence may say. It stays until the owner's private data is forgotten or declassified.

const MARK = "INSERT INTO private_owner (owner, since) VALUES (?, ?) ON CONFLICT DO NOTHING";

export function isPrivateOwner(reader: Reader, owner: string): boolean {
  return reader.get("SELECT 1 FROM private_owner WHERE owner = ?", owner) !== undefined;
}

export function markPrivateOwner(context: WriteContext, owner: string): void {
  context.sql(MARK).run(owner, context.clock.nowMs());
}

export function forgetPrivateOwner(context: WriteContext, owner: string): void {
  context.sql("DELETE FROM private_owner WHERE owner = ?").run(owner);
}

export function readKeptPrivate(reader: Reader, pluginId: string): KeptPrivate | undefined {
  const owner = pluginOwner(pluginId);
  const label = reader.get("SELECT since FROM private_owner WHERE owner = ?", owner);
  if (label === undefined) return undefined;
  const values = reader.get("SELECT count(*) AS n FROM plugin_value WHERE plugin_id = ? AND private = 1", pluginId);
  const blobs = reader.get("SELECT count(*) AS n FROM blob_owner WHERE owner = ? AND private = 1", owner);
  return { sinceMs: Number(label.since), values: Number(values?.n), blobs: Number(blobs?.n) };
}
