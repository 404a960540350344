import { LogoMeshError } from "@logomesh/contracts/errors";
import type { CreateWriterModule, WriteContext } from "../db/index.ts";
import { forgetPrivateOwner, markPrivateOwner } from "./privateOwners.ts";
import {
  CLEAR_BYTES_MAX,
  CLEAR_ENTRIES_MAX,
  HANDED_BLOBS_MAX,
  KEYS_MAX,
  OWNER_BLOBS_MAX,
  pluginOwner,
} from "./limits.ts";

// The write half of blobs and values. Totals of an owner change with every row, so that a quota is one look; a blob goes with the row of
// its last owner.

export interface PutBlobParams {
  owner: string;
  sha256: string;
  bytes: Uint8Array;
  media: string;
  ownerBytesMax: number;
  isPrivate: boolean;
}

export interface ShareBlobParams {
  from: string;
  to: string;
  sha256: string;
}

export interface PutValueParams {
  pluginId: string;
  key: string;
  /** JSON text. */
  value: string;
  bytesMax: number;
  isPrivate: boolean;
}

export interface DeleteValueParams {
  pluginId: string;
  key: string;
  isPrivate: boolean;
}

/** A plugin, and the owner that it is. */
interface WholeParams {
  pluginId: string;
  owner: string;
}

interface OwnerRow {
  owner: string;
  sha256: string;
  payer: string;
  size: number;
}

type UsageKind = "value" | "blob";

const INSERT_OWNER = `INSERT INTO blob_owner (owner, sha256, payer, media, size, created_at, private) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`;
/** The same bytes kept again, by whoever, are as private as they were. */
const UPDATE_OWNER =
  "UPDATE blob_owner SET media = ?, private = max(private, ?) WHERE owner = ? AND sha256 = ? AND payer = ?";
const PUT_VALUE = `INSERT INTO plugin_value (plugin_id, key, value, updated_at, private) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (plugin_id, key)
  DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at, private = excluded.private`;
/** UTF-8 bytes of key and value, which is what a quota counts. */
const VALUE_BYTES = "octet_length(key) + octet_length(value) AS bytes";
const ADD_USAGE = `INSERT INTO storage_usage (owner, kind, bytes, entries) VALUES (?, ?, ?, ?)
  ON CONFLICT (owner, kind) DO UPDATE SET bytes = bytes + excluded.bytes, entries = entries + excluded.entries`;
const SUBTRACT_USAGE = "UPDATE storage_usage SET bytes = bytes - ?, entries = entries - ? WHERE owner = ? AND kind = ?";

/** Commands `storage.putBlob`, `shareBlob`, `deleteBlob`, `putValue`, `deleteValue`, `clear`, `forgetPrivate`, `declassify`. */
export const createStorageWriterModule: CreateWriterModule = () => ({
  name: "storage",
  commands: {
    "storage.putBlob": putBlob,
    "storage.shareBlob": shareBlob,
    "storage.deleteBlob": deleteBlob,
    "storage.putValue": putValue,
    "storage.deleteValue": deleteValue,
    "storage.clear": clear,
    "storage.forgetPrivate": forgetPrivate,
    "storage.declassify": declassify,
  },
});

function putBlob(context: WriteContext, params: PutBlobParams): void {
  const { owner, sha256, bytes, media, ownerBytesMax } = params;
  const isPrivate = params.isPrivate ? 1 : 0;
  if (params.isPrivate) markPrivateOwner(context, owner);
  const own = context.sql("SELECT 1 FROM blob_owner WHERE owner = ? AND sha256 = ? AND payer = ?");
  if (own.get(owner, sha256, owner) !== undefined) {
    context.sql(UPDATE_OWNER).run(media, isPrivate, owner, sha256, owner);
    return;
  }
  const used = usageOf(context, { owner, kind: "blob" });
  if (used.bytes + bytes.byteLength > ownerBytesMax) {
    throw new LogoMeshError(
      "LM_BLOB_QUOTA",
      `${owner} stores ${used.bytes} bytes of blobs; ${bytes.byteLength} more exceed its ${ownerBytesMax}. Delete some first.`,
    );
  }
  if (used.entries >= OWNER_BLOBS_MAX) {
    throw new LogoMeshError(
      "LM_BLOB_QUOTA",
      `${owner} stores ${OWNER_BLOBS_MAX} blobs, the most allowed. Delete some.`,
    );
  }
  const now = context.clock.nowMs();
  context
    .sql("INSERT INTO blob (sha256, bytes, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
    .run(sha256, bytes, now);
  context.sql(INSERT_OWNER).run(owner, sha256, owner, media, bytes.byteLength, now, isPrivate);
  context.sql(ADD_USAGE).run(owner, "blob", bytes.byteLength, 1);
}

function shareBlob(context: WriteContext, { from, to, sha256 }: ShareBlobParams): void {
  // What `from` stored itself comes first, so that it hands over its own.
  const row = context
    .sql(
      "SELECT payer, media, size, private FROM blob_owner WHERE owner = ? AND sha256 = ? ORDER BY payer <> owner LIMIT 1",
    )
    .get(from, sha256);
  if (row === undefined) throw blobNotFound(sha256);
  const payer = row.payer as string;
  if (to === payer) return;
  const label = row.private as number;
  const inserted = context
    .sql(INSERT_OWNER)
    .run(to, sha256, payer, row.media as string, row.size as number, context.clock.nowMs(), label);
  if (Number(inserted.changes) === 0) return;
  const handed = context.sql("SELECT COUNT(*) AS n FROM blob_owner WHERE payer = ? AND owner = ?").get(payer, to);
  if (Number(handed?.n) <= HANDED_BLOBS_MAX) return;
  throw new LogoMeshError(
    "LM_BLOB_QUOTA",
    `${to} holds ${HANDED_BLOBS_MAX} blobs of ${payer}, the most allowed. Delete some there.`,
  );
}

function deleteBlob(context: WriteContext, { owner, sha256 }: { owner: string; sha256: string }): boolean {
  const rows = context
    .sql("SELECT owner, sha256, payer, size FROM blob_owner WHERE sha256 = ?1 AND (owner = ?2 OR payer = ?2)")
    .all(sha256, owner) as unknown as OwnerRow[];
  removeOwners(context, rows);
  return rows.some((row) => row.owner === owner);
}

function putValue(context: WriteContext, { pluginId, key, value, bytesMax, isPrivate }: PutValueParams): void {
  if (isPrivate) markPrivateOwner(context, pluginOwner(pluginId));
  const before = context
    .sql(`SELECT ${VALUE_BYTES} FROM plugin_value WHERE plugin_id = ? AND key = ?`)
    .get(pluginId, key);
  const used = usageOf(context, { owner: pluginId, kind: "value" });
  const change = Buffer.byteLength(key) + Buffer.byteLength(value) - Number(before?.bytes ?? 0);
  // What makes it smaller is always welcome, also after the permission was cut.
  if (change > 0 && used.bytes + change > bytesMax) {
    throw new LogoMeshError(
      "LM_PLUGIN_STORE_FULL",
      `The store of ${pluginId} holds ${used.bytes} bytes; ${change} more exceed its ${bytesMax}. Delete keys first.`,
    );
  }
  if (before === undefined && used.entries >= KEYS_MAX) {
    throw new LogoMeshError(
      "LM_PLUGIN_STORE_FULL",
      `${pluginId} stores ${KEYS_MAX} keys, the most allowed. Delete some.`,
    );
  }
  context.sql(PUT_VALUE).run(pluginId, key, value, context.clock.nowMs(), isPrivate ? 1 : 0);
  if (before === undefined) context.sql(ADD_USAGE).run(pluginId, "value", change, 1);
  else context.sql(SUBTRACT_USAGE).run(-change, 0, pluginId, "value");
}

function deleteValue(
  context: WriteContext,
  { pluginId, key, isPrivate }: DeleteValueParams,
): { existed: boolean; isPrivate: boolean } {
  const owner = pluginOwner(pluginId);
  if (isPrivate) markPrivateOwner(context, owner);
  const row = context
    .sql(`DELETE FROM plugin_value WHERE plugin_id = ? AND key = ? RETURNING private, ${VALUE_BYTES}`)
    .get(pluginId, key);
  if (row === undefined) {
    const label = context.sql("SELECT 1 FROM private_owner WHERE owner = ?").get(owner);
    return { existed: false, isPrivate: label !== undefined };
  }
  context.sql(SUBTRACT_USAGE).run(Number(row.bytes), 1, pluginId, "value");
  return { existed: true, isPrivate: row.private === 1 };
}

/** Answers whether there is more to take away. */
function clear(context: WriteContext, whole: WholeParams): { isMore: boolean } {
  const { pluginId, owner } = whole;
  const isMore = takeAway(context, whole, "0");
  if (!isMore) {
    context
      .sql("DELETE FROM storage_usage WHERE (owner = ? AND kind = 'value') OR (owner = ? AND kind = 'blob')")
      .run(pluginId, owner);
    forgetPrivateOwner(context, owner);
  }
  return { isMore };
}

/** As `clear`, of what is private. */
function forgetPrivate(context: WriteContext, whole: WholeParams): { isMore: boolean } {
  const isMore = takeAway(context, whole, "1");
  if (!isMore) forgetPrivateOwner(context, whole.owner);
  return { isMore };
}

function declassify(context: WriteContext, { pluginId, owner }: WholeParams): void {
  context.sql("UPDATE plugin_value SET private = 0 WHERE plugin_id = ? AND private = 1").run(pluginId);
  context.sql("UPDATE blob_owner SET private = 0 WHERE (owner = ?1 OR payer = ?1) AND private = 1").run(owner);
  forgetPrivateOwner(context, owner);
}

/** One slice of what is at least so private. */
function takeAway(context: WriteContext, { pluginId, owner }: WholeParams, least: "0" | "1"): boolean {
  const keys = context
    .sql(`SELECT key FROM plugin_value WHERE plugin_id = ? AND private >= ${least} LIMIT ?`)
    .all(pluginId, CLEAR_ENTRIES_MAX);
  for (const { key } of keys) deleteValue(context, { pluginId, key: key as string, isPrivate: false });
  const rows = context
    .sql(
      `SELECT owner, sha256, payer, size FROM blob_owner WHERE (owner = ?1 OR payer = ?1) AND private >= ${least} LIMIT ?2`,
    )
    .all(owner, CLEAR_ENTRIES_MAX - keys.length) as unknown as OwnerRow[];
  const slice = takeSlice(rows);
  removeOwners(context, slice);
  return keys.length + rows.length === CLEAR_ENTRIES_MAX || slice.length < rows.length;
}

/** Rows whose bytes one commit can take away without keeping others waiting, at least one. */
function takeSlice(rows: readonly OwnerRow[]): readonly OwnerRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ size }, index) => {
    bytes += size;
    return index > 0 && bytes > CLEAR_BYTES_MAX;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

function removeOwners(context: WriteContext, rows: readonly OwnerRow[]): void {
  for (const { owner, sha256, payer, size } of rows) {
    context.sql("DELETE FROM blob_owner WHERE owner = ? AND sha256 = ? AND payer = ?").run(owner, sha256, payer);
    if (owner === payer) context.sql(SUBTRACT_USAGE).run(size, 1, owner, "blob");
    context
      .sql("DELETE FROM blob WHERE sha256 = ?1 AND NOT EXISTS (SELECT 1 FROM blob_owner WHERE sha256 = ?1)")
      .run(sha256);
  }
}

function usageOf(
  context: WriteContext,
  { owner, kind }: { owner: string; kind: UsageKind },
): { bytes: number; entries: number } {
  const row = context.sql("SELECT bytes, entries FROM storage_usage WHERE owner = ? AND kind = ?").get(owner, kind);
  return { bytes: Number(row?.bytes ?? 0), entries: Number(row?.entries ?? 0) };
}

export function blobNotFound(sha256: string): LogoMeshError {
  return new LogoMeshError("LM_NOT_FOUND", `There is no blob ${sha256} that you own or were handed.`);
}
