import { hash } from "node:crypto";
import type { JsonObject, JsonValue, Trace } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts/errors";
import { assert } from "../base/index.ts";
import type { AuditEntryDraft, AuditPayload, Random } from "../ports/index.ts";

// An entry is hashed as exact RFC 8785 bytes. Its members sort as actor, data, kind, log, payload, seq, trace, ts, v: everything before
// `seq` is known to the caller, so it is made canonical once, on the caller's thread, and the writer only joins strings.

export const SALT_BYTES = 16;
/** An entry names and measures; bulk belongs into payloads, which can be redacted. */
export const BODY_BYTES_MAX = 65_536;
/** One prompt, response or result. */
export const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;
/** Roles have four bits in the key of audit_payload. */
export const ROLES_MAX = 16;

/** The part of `audit.append` that crosses to the writer. */
export interface AppendParams {
  /** Canonical text from `{"actor"` to before `"seq"`. */
  prefix: string;
  /** Canonical text of the trace. */
  trace: string;
  columns: EntryColumns;
  /** In order of their roles. */
  payloads: PreparedPayload[];
}

export interface PreparedPayload {
  role: string;
  /** Hexadecimal: a string crosses to the writer at a fraction of what a small array costs. */
  salt: string;
  /** Text as it was given, for the same reason; it is stored as UTF-8. */
  bytes: string | Uint8Array;
}

/** The query columns that are derived from a body. */
export interface EntryColumns {
  kind: string;
  actorType: string;
  actorId: string;
  run: string | null;
  task: string | null;
  plugin: string | null;
  model: string | null;
  status: string | null;
}

/**
 * Does everything for an entry that needs no sequence number.
 * @throws LogoMeshError LM_TOO_LARGE
 */
export function prepareEntry(draft: AuditEntryDraft, options: { log: string; random: Random }): AppendParams {
  const trace = definedOnly(draft.trace ?? {});
  const actor = { type: draft.actor.type, id: draft.actor.id.toWellFormed() };
  const payloads: PreparedPayload[] = [];
  let described = "";
  for (const role of Object.keys(draft.payload ?? {}).sort()) {
    const { bytes, media } = draft.payload?.[role] as AuditPayload;
    const salt = Buffer.from(options.random.bytes(SALT_BYTES)).toString("hex");
    const salted = saltedBytes(salt, bytes);
    const length = salted.length - SALT_BYTES;
    if (length > PAYLOAD_BYTES_MAX) throw tooLarge(`payload ${role}`, length, PAYLOAD_BYTES_MAX);
    const commit = hash("sha256", salted, "hex");
    described += `${described === "" ? "" : ","}${JSON.stringify(role)}:{"commit":"${commit}","len":${length},"media":${text(media)}}`;
    payloads.push({ role, salt, bytes });
  }
  assert(payloads.length <= ROLES_MAX, `An entry has at most ${ROLES_MAX} payloads`);
  const prefix =
    `{"actor":{"id":${text(actor.id)},"type":${text(actor.type)}},"data":${canonicalData(draft.data ?? {})}` +
    `,"kind":${text(draft.kind)},"log":${text(options.log)},"payload":{${described}}`;
  const traceText = canonicalData(trace as JsonObject);
  const bytesMax = (prefix.length + traceText.length) * 3;
  if (bytesMax > BODY_BYTES_MAX) {
    const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(traceText);
    if (bytes > BODY_BYTES_MAX) throw tooLarge("body", bytes, BODY_BYTES_MAX);
  }
  return {
    prefix,
    trace: traceText,
    columns: { kind: draft.kind, actorType: actor.type, actorId: actor.id, ...traceColumns(trace) },
    payloads,
  };
}

/** The bytes that are hashed. */
export function entryBody(params: AppendParams, { seq, tsMs }: { seq: number; tsMs: number }): Buffer {
  const ts = new Date(tsMs).toISOString();
  return Buffer.from(`${params.prefix},"seq":${seq},"trace":${params.trace},"ts":"${ts}","v":1}`, "utf8");
}

export function commitment(salt: Uint8Array, bytes: Uint8Array): string {
  return hash("sha256", Buffer.concat([salt, bytes]), "hex");
}

/** Small texts are salted here, without an allocation for each. */
const scratch = Buffer.allocUnsafe(65_536);

/** What a commitment hashes; valid until the next call. */
function saltedBytes(saltHex: string, bytes: string | Uint8Array): Uint8Array {
  if (typeof bytes !== "string") return Buffer.concat([Buffer.from(saltHex, "hex"), bytes]);
  const room = SALT_BYTES + bytes.length * 3;
  const target = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
  target.write(saltHex, "hex");
  return target.subarray(0, SALT_BYTES + target.write(bytes, SALT_BYTES, "utf8"));
}

export function payloadId(seq: number, position: number): number {
  return seq * ROLES_MAX + position;
}

export function traceColumns(trace: Trace): Omit<EntryColumns, "kind" | "actorType" | "actorId"> {
  return {
    run: trace.run ?? null,
    task: trace.task ?? null,
    plugin: trace.plugin ?? null,
    model: trace.model ?? null,
    status: trace.status ?? null,
  };
}

function definedOnly({ run, task, plugin, model, status }: Trace): Trace {
  const trace: Trace = {};
  if (run !== undefined) trace.run = run.toWellFormed();
  if (task !== undefined) trace.task = task.toWellFormed();
  if (plugin !== undefined) trace.plugin = plugin.toWellFormed();
  if (model !== undefined) trace.model = model.toWellFormed();
  if (status !== undefined) trace.status = status.toWellFormed();
  return trace;
}

function text(value: string): string {
  return JSON.stringify(value.toWellFormed());
}

/**
 * RFC 8785 text of integers, strings, booleans and containers of them: fractions and their like are written differently by different
 * languages. Members that are undefined are left out.
 */
function canonicalData(value: JsonValue): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    assert(
      Number.isSafeInteger(value),
      `An audit entry holds integers only, not ${value}; put it into a payload or a string`,
    );
    return JSON.stringify(value);
  }
  assert(value !== null, "An audit entry holds no null; leave the member out");
  if (Array.isArray(value)) return `[${value.map(canonicalData).join(",")}]`;
  const keys = Object.keys(value);
  if (!keys.every((key) => key.isWellFormed()))
    return canonicalData(Object.fromEntries(keys.map((key) => [key.toWellFormed(), value[key] ?? null])));
  let members = "";
  if (!isSorted(keys)) keys.sort();
  for (const key of keys) {
    const member = value[key];
    if (member !== undefined) members += `${members === "" ? "" : ","}${text(key)}:${canonicalData(member)}`;
  }
  return `{${members}}`;
}

/** Sorting allocates, and drafts mostly name their members in order. */
function isSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index += 1) if ((keys[index - 1] ?? "") > (keys[index] ?? "")) return false;
  return true;
}

function tooLarge(what: string, bytes: number, limit: number): LogoMeshError {
  return new LogoMeshError("LM_TOO_LARGE", `The audit entry's ${what} has ${bytes} bytes; the limit is ${limit}.`);
}
