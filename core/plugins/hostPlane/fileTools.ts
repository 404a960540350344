import { isUtf8 } from "node:buffer";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { z } from "zod";
import type { Approvals, BlobStore, FileAccess } from "../../ports/index.ts";
import { pluginOwner } from "../../storage/index.ts";
import { blobHandle } from "./blobHandles.ts";
import { hostTool, type HostRequest, type HostTool } from "./hostTool.ts";
import { storeBytesMax } from "./storeTools.ts";

const Path = z.string().min(1).max(1_000);
const TEXT_CHARS_MAX = 4 * 1024 * 1024;

/** How bytes travel: as text, in base64, or as a blob, whose handle stands for them. */
export const Form = z.enum(["text", "base64", "blob"]).default("text");

export interface FileServices {
  files: FileAccess;
  approvals: Approvals;
  blobs?: BlobStore | undefined;
}

/** `fs_read`, `fs_list`, `fs_propose_change`: the shared folders of the workspace. Who reads there is tainted from then on. */
export function fileTools({ files, approvals, blobs }: FileServices): Record<string, HostTool> {
  return {
    fs_read: hostTool({
      description:
        "A file of the workspace's shared folders. Whoever reads files handles private data from then on. Large or binary files come as a blob.",
      input: z.strictObject({ path: Path, as: Form }),
      output: z.object({
        ...{ path: z.string(), sha256: z.string(), bytes: z.int() },
        ...{ text: z.string().optional(), base64: z.string().optional(), handle: z.string().optional() },
      }),
      record: "awaited",
      subject: ({ path }) => ({ path }),
      async run({ path, as }, request) {
        const read = await files.read(path, { authorize: authorizer(request, "fs.read") });
        await request.taint();
        const { sha256, bytes } = read;
        const facts = { path: read.path, sha256, bytes: bytes.length };
        return { result: { ...facts, ...(await inForm(bytes, as, { request, blobs })) }, data: facts };
      },
    }),
    fs_list: hostTool({
      description: "What a shared folder holds, by name. Names are private data too.",
      input: z.strictObject({ path: Path }),
      output: z.object({
        entries: z.array(z.object({ name: z.string(), kind: z.enum(["file", "folder", "other"]), size: z.int() })),
      }),
      record: "awaited",
      subject: ({ path }) => ({ path }),
      async run({ path }, request) {
        const entries = await files.list(path, { authorize: authorizer(request, "fs.read") });
        await request.taint();
        return { result: { entries: entries as unknown as JsonObject[] }, data: { entries: entries.length } };
      },
    }),
    fs_propose_change: hostTool({
      description:
        "Proposes the new text of a file (null deletes it). Nothing changes until a person has seen and approved exactly this change.",
      input: z.strictObject({
        path: Path,
        text: z.string().max(TEXT_CHARS_MAX).nullable(),
        reason: z.string().max(2_000).optional(),
      }),
      output: z.object({ approvalId: z.string(), contentHash: z.string(), status: z.literal("pending") }),
      record: "awaited",
      subject: ({ path }) => ({ path }),
      async run({ path, text, reason }, request) {
        const change = await files.prepare({ path, text }, { authorize: authorizer(request, "fs.propose") });
        const { pluginId, run } = request;
        const { approvalId, contentHash } = await approvals.request({
          kind: "file-change",
          title: `${text === null ? "Delete" : change.baseSha256 === null ? "Create" : "Change"} ${change.path}`,
          requestedBy: { type: "plugin", id: pluginId },
          payload: { ...change, ...(reason === undefined ? {} : { reason }) },
          trace: { plugin: pluginId, ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }) },
        });
        const { path: canonical, baseSha256, sha256 } = change;
        return {
          result: { approvalId, contentHash, status: "pending" },
          data: { path: canonical, approval: approvalId, base: baseSha256 ?? "", sha256: sha256 ?? "" },
        };
      },
    }),
  };
}

/** @throws LogoMeshError LM_INPUT_INVALID when bytes that are no text were asked for as text, or there are no blobs here */
export async function inForm(
  bytes: Uint8Array,
  form: z.output<typeof Form>,
  {
    request,
    blobs,
    media = "application/octet-stream",
  }: { request: HostRequest; blobs: BlobStore | undefined; media?: string },
): Promise<JsonObject> {
  switch (form) {
    case "text":
      if (!isUtf8(bytes))
        throw new LogoMeshError("LM_INPUT_INVALID", "It is no text in UTF-8. Ask for it as base64, or as a blob.");
      return { text: Buffer.from(bytes).toString("utf8") };
    case "base64":
      return { base64: Buffer.from(bytes).toString("base64") };
    case "blob": {
      if (blobs === undefined) throw new LogoMeshError("LM_INPUT_INVALID", "There are no blobs here.");
      request.require("blob", { type: "Plugin", id: request.pluginId }, { isOwn: true });
      const { isTainted: isPrivate, pluginId } = request;
      const options = { owner: pluginOwner(pluginId), media, ownerBytesMax: storeBytesMax(request), isPrivate };
      return { handle: blobHandle((await blobs.put(bytes, options)).sha256) };
    }
  }
}

function authorizer(request: HostRequest, action: "fs.read" | "fs.propose"): (path: string) => void {
  return (path) => request.require(action, { type: "File", id: path });
}
