import { LogoMeshError, PluginPermissionsSchema } from "@logomesh/contracts";
import { z } from "zod";
import { sha256Hex } from "../../base/index.ts";
import type { AuditLog, BlobStore, PluginStore } from "../../ports/index.ts";
import { pluginOwner } from "../../storage/index.ts";
import { blobHandle, parseBlobHandle } from "./blobHandles.ts";
import { AnyValue, hostTool, type HostRequest, type HostTool } from "./hostTool.ts";

/** Bytes of one answer: as base64 they take a third more, and a line of the protocol is bounded. */
const PART_BYTES = 512 * 1024;
const MEDIA_DEFAULT = "application/octet-stream";

const Key = z.string().min(1).max(512);

export interface StoreServices {
  store: PluginStore;
  audit: AuditLog;
}

/**
 * `store_get`, `store_put`, `store_delete`, `store_list`: the plugin's own values, which nobody else sees. What a tainted process kept taints
 * the one that reads it.
 */
export function storeTools({ store, audit }: StoreServices): Record<string, HostTool> {
  return {
    store_get: hostTool({
      description: "The value of a key in this plugin's store.",
      input: z.strictObject({ key: Key }),
      output: z.object({ found: z.boolean(), value: z.json().optional() }),
      record: "queued",
      subject: ({ key }) => ({ key }),
      async run({ key }, request) {
        requireOwn(request, "store");
        const { value, isPrivate } = await store.get(request.pluginId, key);
        if (isPrivate) await request.taint();
        return { result: value === undefined ? { found: false } : { found: true, value } };
      },
    }),
    store_put: hostTool({
      description: "Keeps a JSON value under a key of this plugin's store.",
      input: z.strictObject({ key: Key, value: AnyValue }),
      output: z.object({}),
      record: "awaited",
      subject: ({ key }) => ({ key }),
      async run({ key, value }, request) {
        requireOwn(request, "store");
        const text = JSON.stringify(value);
        const entry = request.entry({ sha256: sha256Hex(text), bytes: Buffer.byteLength(text) });
        const { isTainted: isPrivate, pluginId } = request;
        const options = { bytesMax: storeBytesMax(request), isPrivate, together: [audit.command(entry)] };
        await tellingRefusals(request, store.isPrivate(pluginId), store.put(pluginId, { key, value }, options));
        return { result: {}, isRecorded: true };
      },
    }),
    store_delete: hostTool({
      description: "Removes a key of this plugin's store.",
      input: z.strictObject({ key: Key }),
      output: z.object({ deleted: z.boolean() }),
      record: "awaited",
      subject: ({ key }) => ({ key }),
      async run({ key }, request) {
        requireOwn(request, "store");
        const { isTainted: isPrivate, pluginId } = request;
        const together = [audit.command(request.entry({}))];
        const deleted = await store.delete(pluginId, key, { isPrivate, together });
        if (deleted.isPrivate) await request.taint();
        return { result: { deleted: deleted.existed }, isRecorded: true };
      },
    }),
    store_list: hostTool({
      description: "Keys of this plugin's store that begin so, in order; `after` continues.",
      input: z.strictObject({ prefix: z.string().max(512).default(""), after: Key.optional() }),
      output: z.object({ keys: z.array(z.string()), isMore: z.boolean() }),
      record: "queued",
      subject: ({ prefix }) => ({ prefix }),
      async run({ prefix, after }, request) {
        requireOwn(request, "store");
        const options = { prefix, ...(after === undefined ? {} : { after }) };
        const { isPrivate, ...page } = await store.list(request.pluginId, options);
        if (isPrivate) await request.taint();
        return { result: { ...page } };
      },
    }),
  };
}

/** `blob_put`, `blob_get`: bytes by handle, which other plugins can be given in a call. */
export function blobTools({ blobs, audit }: { blobs: BlobStore; audit: AuditLog }): Record<string, HostTool> {
  return {
    blob_put: hostTool({
      description: "Keeps bytes (base64) and answers their handle.",
      input: z.strictObject({
        base64: z.base64(),
        media: z.string().min(1).max(200).default(MEDIA_DEFAULT),
      }),
      output: z.object({ handle: z.string(), bytes: z.int() }),
      record: "awaited",
      subject: ({ media }) => ({ media }),
      async run({ base64, media }, request) {
        requireOwn(request, "blob");
        const bytes = Buffer.from(base64, "base64");
        const entry = request.entry({ sha256: sha256Hex(bytes), bytes: bytes.length });
        const owner = pluginOwner(request.pluginId);
        const putting = blobs.put(bytes, {
          ...{ owner, media, ownerBytesMax: storeBytesMax(request), isPrivate: request.isTainted },
          together: [audit.command(entry)],
        });
        const { sha256 } = await tellingRefusals(request, blobs.isPrivate(owner), putting);
        return { result: { handle: blobHandle(sha256), bytes: bytes.length }, isRecorded: true };
      },
    }),
    blob_get: hostTool({
      description: `A part of the bytes (base64) of a handle that is this plugin's or was handed to it; at most ${PART_BYTES} at once.`,
      input: z.strictObject({
        handle: z.string().max(200),
        offset: z.int().min(0).default(0),
        length: z.int().min(0).max(PART_BYTES).default(PART_BYTES),
      }),
      output: z.object({ base64: z.string(), media: z.string(), bytes: z.int(), isMore: z.boolean() }),
      record: "queued",
      subject: ({ handle }) => ({ handle }),
      async run({ handle, offset, length }, request) {
        requireOwn(request, "blob");
        const sha256 = parseBlobHandle(handle);
        if (sha256 === undefined)
          throw new LogoMeshError("LM_INPUT_INVALID", "A handle has the form logomesh://blob/<sha256>.");
        const owner = pluginOwner(request.pluginId);
        const getting = blobs.get(sha256, { owner });
        const { bytes, media, isPrivate } = await tellingRefusals(request, blobs.isPrivate(owner), getting);
        if (isPrivate) await request.taint();
        const part = Buffer.from(bytes.subarray(offset, offset + length)).toString("base64");
        const isMore = offset + length < bytes.length;
        return { result: { base64: part, media, bytes: bytes.length, isMore } };
      },
    }),
  };
}

/** That there is no room, or no such blob, may be private as well: it tells what was kept. */
async function tellingRefusals<T>(request: HostRequest, isPrivate: boolean, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isPrivate) await request.taint();
    throw error;
  }
}

/** Values and blobs have the granted space each. */
export function storeBytesMax(request: HostRequest): number {
  return PluginPermissionsSchema.safeParse(request.granted()).data?.store?.max_bytes ?? 0;
}

/** What belongs to the plugin is nobody else's business: those who call it need no permission for it. */
function requireOwn(request: HostRequest, action: "store" | "blob"): void {
  request.require(action, { type: "Plugin", id: request.pluginId }, { isOwn: true });
}
