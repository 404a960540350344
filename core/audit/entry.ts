import { hash } from "node:crypto";
import { LogoMeshError, type JsonValue, type Trace } from "@logomesh/contracts";
import { assert, canonicalJson } from "../base/index.ts";
import type { AuditEntryDraft, Random } from "../ports/index.ts";

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
  payloads: { role: string; salt: Uint8Array; bytes: Uint8Array }[];
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
  const payloads = Object.entries(draft.payload ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([role, { bytes, media }]) => ({
      role,
      media,
      salt: options.random.bytes(SALT_BYTES),
      bytes: typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes,
    }));
  assert(payloads.length <= ROLES_MAX, `An entry has at most ${ROLES_MAX} payloads`);
  const payload: Record<string, JsonValue> = {};
  for (const { role, media, salt, bytes } of payloads) {
    if (bytes.length > PAYLOAD_BYTES_MAX) throw tooLarge(`payload ${role}`, bytes.length, PAYLOAD_BYTES_MAX);
    payload[role] = { commit: commitment(salt, bytes), len: bytes.length, media };
  }
  const head = { actor, data: hashable(draft.data ?? {}), kind: draft.kind, log: options.log, payload };
  const prefix = canonicalJson(head).slice(0, -1);
  const traceText = canonicalJson(trace);
  const bytesMax = (prefix.length + traceText.length) * 3;
  if (bytesMax > BODY_BYTES_MAX) {
    const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(traceText);
    if (bytes > BODY_BYTES_MAX) throw tooLarge("body", bytes, BODY_BYTES_MAX);
  }
  return {
    prefix,
    trace: traceText,
    columns: { kind: draft.kind, actorType: actor.type, actorId: actor.id, ...traceColumns(trace) },
    payloads: payloads.map(({ role, salt, bytes }) => ({ role, salt, bytes })),
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
  for (const [key, value] of Object.entries({ run, task, plugin, model, status })) {
    if (value !== undefined) trace[key as keyof Trace] = value.toWellFormed();
  }
  return trace;
}

/** Integers, strings, booleans and containers of them: fractions and their like are written differently by different languages. */
function hashable(value: JsonValue): JsonValue {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "boolean") return value;
  if (typeof value === "number") {
    assert(
      Number.isSafeInteger(value),
      `An audit entry holds integers only, not ${value}; put it into a payload or a string`,
    );
    return value;
  }
  assert(value !== null, "An audit entry holds no null; leave the member out");
  if (Array.isArray(value)) return value.map(hashable);
  const members: [string, JsonValue][] = [];
  for (const [key, member] of Object.entries(value) as [string, JsonValue | undefined][]) {
    if (member !== undefined) members.push([key.toWellFormed(), hashable(member)]);
  }
  return Object.fromEntries(members);
}

function tooLarge(what: string, bytes: number, limit: number): LogoMeshError {
  return new LogoMeshError("LM_TOO_LARGE", `The audit entry's ${what} has ${bytes} bytes; the limit is ${limit}.`);
}
