import { isUtf8 } from "node:buffer";
import type { DatabaseSync } from "node:sqlite";
import type { AuditEntryBody } from "@logomesh/contracts";
import { canonicalJson } from "../../base/index.ts";
import { commitment, ROLES_MAX, traceColumns } from "../entry.ts";
import { Frontier, leafHash } from "../merkle.ts";
import type { CheckpointSet } from "./checkpointSet.ts";
import type { Findings } from "./findings.ts";

const ENTRIES_SQL = `SELECT seq, ts_ms, kind, actor_type, actor_id, run, task, plugin, model, status, body, leaf
  FROM audit_entry ORDER BY seq`;
const PAYLOADS_SQL = "SELECT id, role, salt, bytes FROM audit_payload ORDER BY id";

/** Columns of ENTRIES_SQL, as an array row. */
type EntryRow = [
  seq: number,
  tsMs: number,
  kind: string,
  actorType: string,
  actorId: string,
  run: string | null,
  task: string | null,
  plugin: string | null,
  model: string | null,
  status: string | null,
  body: Uint8Array,
  leaf: Uint8Array,
];
type PayloadRow = [id: number, role: string, salt: Uint8Array | null, bytes: Uint8Array | null];

export interface EntryWalkOptions {
  db: DatabaseSync;
  log: string;
  findings: Findings;
  checkpoints: CheckpointSet;
}

/** One pass over entries and payloads, both in order; memory does not grow with the log. */
export class EntryWalk {
  readonly #options: EntryWalkOptions;
  readonly #payloads: Iterator<PayloadRow>;
  #nextPayload: PayloadRow | undefined;
  #frontier = Frontier.EMPTY;
  #lastTsMs = -Infinity;

  constructor(options: EntryWalkOptions) {
    this.#options = options;
    this.#payloads = iterate<PayloadRow>(options.db, PAYLOADS_SQL);
    this.#nextPayload = this.#takePayload();
  }

  /** The compact range that the entries really have. */
  run(): Frontier {
    const entries = iterate<EntryRow>(this.#options.db, ENTRIES_SQL);
    for (let next = entries.next(); next.done !== true; next = entries.next()) {
      if (!this.#entry(next.value)) break;
    }
    for (let row = this.#nextPayload; row !== undefined; row = this.#takePayload()) this.#strayPayload(row);
    return this.#frontier;
  }

  /** False when the rest cannot be judged. */
  #entry(row: EntryRow): boolean {
    const expected = this.#frontier.size;
    const [seq, tsMs, , , , , , , , , bodyBytes, leaf] = row;
    if (seq !== expected) {
      this.#tampered(expected, `Entry ${expected} is missing; the next one is ${seq}.`);
      return false;
    }
    const computed = leafHash(bodyBytes);
    if (!computed.equals(leaf)) this.#tampered(seq, `Entry ${seq}: the stored leaf hash is not that of its bytes.`);
    const body = this.#parseBody(seq, bodyBytes);
    if (body !== undefined) {
      if (body.seq !== seq) this.#tampered(seq, `Entry ${seq}: its bytes say that it is entry ${body.seq}.`);
      if (body.log !== this.#options.log)
        this.#tampered(seq, `Entry ${seq}: its bytes belong to the log "${body.log}".`);
      this.#checkColumns(row, body);
      this.#checkPayloads(seq, body);
    }
    if (tsMs < this.#lastTsMs) {
      this.#options.findings.add({
        severity: "note",
        seq,
        message: `Entry ${seq}: the clock went back by ${this.#lastTsMs - tsMs} ms.`,
      });
    }
    this.#lastTsMs = tsMs;
    this.#frontier = this.#frontier.append(computed);
    this.#checkRoots();
    return true;
  }

  #parseBody(seq: number, bytes: Uint8Array): AuditEntryBody | undefined {
    try {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
      const value: unknown = JSON.parse(text);
      if (!isUtf8(bytes) || !isCanonical(value, text)) {
        this.#tampered(seq, `Entry ${seq}: its bytes are not in canonical form.`);
        return undefined;
      }
      if (isBody(value)) return value;
    } catch {
      // Not JSON at all: the finding below says so.
    }
    this.#tampered(seq, `Entry ${seq}: its bytes are not an entry.`);
    return undefined;
  }

  #checkColumns(row: EntryRow, body: AuditEntryBody): void {
    const trace = traceColumns(body.trace);
    const derived: unknown[] = [
      body.seq,
      Date.parse(body.ts),
      body.kind,
      body.actor.type,
      body.actor.id,
      trace.run,
      trace.task,
      trace.plugin,
      trace.model,
      trace.status,
    ];
    if (derived.some((value, index) => value !== row[index])) {
      this.#tampered(row[0], `Entry ${row[0]}: a query column differs from its bytes.`);
    }
  }

  #checkPayloads(seq: number, body: AuditEntryBody): void {
    while (this.#nextPayload !== undefined && this.#nextPayload[0] < seq * ROLES_MAX) {
      this.#strayPayload(this.#nextPayload);
      this.#nextPayload = this.#takePayload();
    }
    Object.entries(body.payload).forEach(([role, reference], position) => {
      const row = this.#nextPayload;
      if (row?.[0] !== seq * ROLES_MAX + position) {
        return this.#tampered(seq, `Entry ${seq}: the payload "${role}" is missing.`);
      }
      this.#nextPayload = this.#takePayload();
      const [, storedRole, salt, bytes] = row;
      const sound =
        storedRole === role &&
        salt !== null &&
        bytes !== null &&
        bytes.length === reference.len &&
        commitment(salt, bytes) === reference.commit;
      if (!sound) this.#tampered(seq, `Entry ${seq}: the payload "${role}" is not the one that the entry commits to.`);
    });
  }

  #checkRoots(): void {
    const { size } = this.#frontier;
    const claims = this.#options.checkpoints.claimsAt(size);
    if (claims.length === 0) return;
    const root = this.#frontier.root();
    for (const { place, root: claimed } of claims) {
      if (Buffer.compare(root, claimed) === 0) continue;
      this.#tampered(
        undefined,
        `The log does not have the root that its ${place} checkpoint of ${size} entries signed.`,
      );
    }
  }

  #strayPayload([id, role]: PayloadRow): void {
    const seq = Math.floor(id / ROLES_MAX);
    this.#tampered(seq < 0 ? undefined : seq, `A payload "${role}" (id ${id}) belongs to no entry.`);
  }

  #takePayload(): PayloadRow | undefined {
    const next = this.#payloads.next();
    this.#nextPayload = next.done === true ? undefined : next.value;
    return this.#nextPayload;
  }

  #tampered(seq: number | undefined, message: string): void {
    this.#options.findings.add({ severity: "tampered", ...(seq === undefined ? {} : { seq }), message });
  }
}

/** The native serialiser decides almost always; only members named like integers come out in another order. */
function isCanonical(value: unknown, text: string): boolean {
  return (JSON.stringify(value) === text && hasSortedMembers(value)) || canonicalJson(value) === text;
}

function hasSortedMembers(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  let previous: string | undefined;
  for (const [name, member] of Object.entries(value)) {
    if (!Array.isArray(value) && previous !== undefined && previous >= name) return false;
    if (!hasSortedMembers(member)) return false;
    previous = name;
  }
  return true;
}

const BODY_MEMBERS = "actor,data,kind,log,payload,seq,trace,ts,v";

const ACTOR_MEMBERS = "id,type";
const REFERENCE_MEMBERS = "commit,len,media";
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Exactly the members of the contract; by hand, because a schema library takes most of the time of a pass. */
function isBody(value: unknown): value is AuditEntryBody {
  if (!isRecord(value) || Object.keys(value).join(",") !== BODY_MEMBERS) return false;
  const { actor, data, kind, log, payload, seq, trace, ts, v } = value;
  return (
    v === 1 &&
    typeof kind === "string" &&
    typeof log === "string" &&
    Number.isSafeInteger(seq) &&
    typeof ts === "string" &&
    TIMESTAMP.test(ts) &&
    isRecord(actor) &&
    Object.keys(actor).join(",") === ACTOR_MEMBERS &&
    typeof actor.id === "string" &&
    typeof actor.type === "string" &&
    isRecord(data) &&
    isRecord(trace) &&
    Object.entries(trace).every(([name, part]) => TRACE_MEMBERS.has(name) && typeof part === "string") &&
    isRecord(payload) &&
    Object.values(payload).every(isReference)
  );
}

const TRACE_MEMBERS: ReadonlySet<string> = new Set(["model", "plugin", "run", "status", "task"]);

function isReference(value: unknown): boolean {
  return (
    isRecord(value) &&
    Object.keys(value).join(",") === REFERENCE_MEMBERS &&
    typeof value.commit === "string" &&
    typeof value.len === "number" &&
    typeof value.media === "string"
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function iterate<T extends unknown[]>(db: DatabaseSync, sql: string): Iterator<T> {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return statement.iterate() as unknown as Iterator<T>;
}
