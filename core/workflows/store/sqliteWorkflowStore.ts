import type {
  JsonObject,
  JsonValue,
  Page,
  PageQuery,
  Run,
  RunEvent,
  RunStatus,
  RunSummary,
  RunTask,
  RunTaskSummary,
  WorkflowDetail,
  WorkflowIdentity,
  WorkflowReference,
  WorkflowSummary,
} from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts";
import type { AuditEntryDraft, AuditLog, Reader, SqlRow, SqlValue, Writer } from "../../ports/index.ts";
import { toRecord, toRun, toRunSummary, toStoredTask, toTask, toTaskSummary } from "./rows.ts";
import type {
  ClaimedRun,
  RunClaim,
  CommitResult,
  RunQuery,
  StoredDefinition,
  StoredTask,
  Transition,
  WorkflowStore,
} from "./workflowStore.ts";
import type { DeleteRunsParams } from "./pruneCommands.ts";
import type { CommitParams } from "./workflowWriterModule.ts";

const RUN_COLUMNS = `id, namespace, name, version, hash, status, status_reason, error, created_at, started_at, ended_at, parent_run, parent_task,
  simulated, tainted, started_by, recoveries, priority, queue`;
const TASK_COLUMNS =
  "seq, reference, name, type, call, parent_seq, iteration, attempt, status, effect, started_at, ended_at, error, details";
const VERSION = `SELECT v.namespace, v.name, v.version, v.hash, v.origin, v.created_at, d.source, d.document, d.title, d.summary
  FROM workflow_version v JOIN workflow_definition d ON d.hash = v.hash`;

/** Definitions and runs in the workspace's database. */
export class SqliteWorkflowStore implements WorkflowStore {
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #audit: AuditLog;

  constructor(options: { writer: Writer; reader: Reader; audit: AuditLog }) {
    this.#writer = options.writer;
    this.#reader = options.reader;
    this.#audit = options.audit;
  }

  async saveDefinition(definition: StoredDefinition, together: { audit?: AuditEntryDraft }): Promise<void> {
    const params = {
      namespace: definition.namespace,
      name: definition.name,
      version: definition.version,
      hash: definition.hash,
      source: definition.source,
      document: JSON.stringify(definition.document),
      title: definition.title ?? null,
      summary: definition.summary ?? null,
      origin: definition.origin,
      createdAt: definition.createdAtMs,
      replace: definition.replace,
      listed: definition.listed,
    };
    const audit = together.audit === undefined ? [] : [this.#audit.command(together.audit)];
    await this.#writer.run([{ name: "workflow.define", params }, ...audit]);
  }

  getDefinition(
    reference: WorkflowReference,
  ): { identity: WorkflowIdentity; source: string; document: JsonObject } | undefined {
    const row = this.#version(reference);
    if (row === undefined) return undefined;
    const { namespace, name, version, hash, source, document } = row as Record<string, string>;
    if (namespace === undefined || name === undefined || version === undefined || hash === undefined) return undefined;
    return {
      identity: { namespace, name, version, hash },
      source: source ?? "",
      document: JSON.parse(document ?? "{}") as JsonObject,
    };
  }

  getDefinitionByHash(hash: string): { source: string; document: JsonObject } | undefined {
    const row = this.#reader.get("SELECT source, document FROM workflow_definition WHERE hash = ?", hash);
    return row === undefined
      ? undefined
      : { source: row.source as string, document: JSON.parse(row.document as string) as JsonObject };
  }

  isDefined({ origin, source }: { origin: string; source: string }): boolean {
    const row = this.#reader.get(
      `SELECT 1 FROM workflow_version v JOIN workflow_definition d ON d.hash = v.hash WHERE v.origin = ? AND d.source = ?`,
      origin,
      source,
    );
    return row !== undefined;
  }

  describeDefinition(reference: WorkflowReference): WorkflowDetail | undefined {
    const row = this.#version(reference);
    if (row === undefined) return undefined;
    const document = JSON.parse(row.document as string) as JsonObject;
    const input = (document.input as JsonObject | undefined)?.schema as JsonObject | undefined;
    const schema = input?.document as JsonObject | undefined;
    return {
      ...this.#summary(row),
      source: row.source as string,
      definition: document,
      ...(schema === undefined ? {} : { inputSchema: schema }),
    };
  }

  async listDefinitions(page: PageQuery): Promise<Page<WorkflowSummary>> {
    const cursor = page.cursor ?? "";
    const rows = await this.#reader.scan(
      `${VERSION} WHERE v.id IN (SELECT max(id) FROM workflow_version GROUP BY namespace, name)
       AND v.namespace || '/' || v.name > ? ORDER BY v.namespace || '/' || v.name LIMIT ?`,
      cursor,
      page.limit + 1,
    );
    const items = rows.slice(0, page.limit).map((row) => this.#summary(row));
    const last = items.at(-1);
    return {
      items,
      nextCursor: rows.length > page.limit && last !== undefined ? `${last.namespace}/${last.name}` : null,
    };
  }

  async deleteDefinition(
    reference: WorkflowReference,
    options: { force: boolean; audit: AuditEntryDraft },
  ): Promise<void> {
    const params = {
      namespace: reference.namespace,
      name: reference.name,
      version: reference.version ?? null,
      force: options.force,
    };
    await this.#writer.run([{ name: "workflow.undefine", params }, this.#audit.command(options.audit)]);
  }

  async commit(transition: Transition): Promise<CommitResult> {
    const [result] = await this.#writer.run([
      { name: "workflow.commit", params: commitParams(transition) },
      ...transition.writes,
      ...transition.audit.map((draft) => this.#audit.command(draft)),
    ]);
    return result as CommitResult;
  }

  async claimLiveRuns(
    audit: (run: { runId: string }) => AuditEntryDraft,
    { runId, owner, nowMs }: RunClaim = {},
  ): Promise<ClaimedRun[]> {
    const rows = this.#reader.all(
      `SELECT id FROM workflow_run WHERE status NOT IN ('completed', 'faulted', 'cancelled') AND (?1 IS NULL OR id = ?1)
       AND (?3 IS NULL OR owner IS NULL OR owner NOT IN (SELECT id FROM workflow_engine WHERE lease_until > ?3 AND id IS NOT ?2)) ORDER BY id`,
      ...[runId ?? null, owner ?? null, nowMs ?? null],
    );
    const claims = await Promise.all(rows.map((row) => this.#claim(row.id as string, { audit, owner, nowMs })));
    return claims.filter((claim) => claim !== undefined);
  }

  async #claim(
    runId: string,
    {
      audit,
      owner,
      nowMs,
    }: {
      audit: (run: { runId: string }) => AuditEntryDraft;
      owner: string | undefined;
      nowMs: number | undefined;
    },
  ): Promise<ClaimedRun | undefined> {
    try {
      const [claim] = await this.#writer.run([
        { name: "workflow.claim", params: { runId, owner: owner ?? null, now: nowMs ?? null } },
        this.#audit.command(audit({ runId })),
      ]);
      return { runId, ...(claim as Omit<ClaimedRun, "runId">) };
    } catch (error) {
      if (error instanceof LogoMeshError && error.code === "LM_WORKFLOW_LEASE_LOST") return undefined;
      throw error;
    }
  }

  async renewLease({ engineId, untilMs }: { engineId: string; untilMs: number }): Promise<boolean> {
    const [wasHeld] = await this.#writer.run([{ name: "workflow.lease", params: { engineId, until: untilMs } }]);
    return wasHeld as boolean;
  }

  hasExpiredLease(nowMs: number): boolean {
    return this.#reader.get("SELECT 1 FROM workflow_engine WHERE lease_until <= ? LIMIT 1", nowMs) !== undefined;
  }

  async claimRun(runId: string, owner?: string): Promise<ClaimedRun | undefined> {
    const [claim] = await this.#writer.run([
      { name: "workflow.claimForPerson", params: { runId, owner: owner ?? null } },
    ]);
    return claim === null ? undefined : { runId, ...(claim as Omit<ClaimedRun, "runId">) };
  }

  async deleteRuns(which: Parameters<WorkflowStore["deleteRuns"]>[0]): Promise<number> {
    const params: DeleteRunsParams = { ...which, statuses: JSON.stringify(which.statuses) };
    const [deleted] = await this.#writer.run([{ name: "workflow.deleteRuns", params }]);
    return deleted as number;
  }

  async shrink(bytesMax: number): Promise<number> {
    const [freed] = await this.#writer.run([{ name: "workflow.shrink", params: { bytesMax } }]);
    return freed as number;
  }

  size(): { bytes: number; usedBytes: number } {
    const row = this.#reader.get(
      "SELECT page_count * page_size AS bytes, (page_count - freelist_count) * page_size AS used FROM pragma_page_count, pragma_page_size, pragma_freelist_count",
    );
    return { bytes: Number(row?.bytes ?? 0), usedBytes: Number(row?.used ?? 0) };
  }

  async record(audit: AuditEntryDraft): Promise<void> {
    await this.#writer.run([this.#audit.command(audit)]);
  }

  getRun(runId: string): Run | undefined {
    const row = this.#reader.get(`SELECT ${RUN_COLUMNS}, input, output FROM workflow_run WHERE id = ?`, runId);
    return row === undefined ? undefined : toRun(row);
  }

  findRunByIdempotencyKey(key: string): Run | undefined {
    const row = this.#reader.get(
      `SELECT ${RUN_COLUMNS}, input, output FROM workflow_run WHERE idempotency_key = ?`,
      key,
    );
    return row === undefined ? undefined : toRun(row);
  }

  async listRuns(query: RunQuery): Promise<Page<RunSummary>> {
    const where: string[] = ["1"];
    const params: SqlValue[] = [];
    const add = (condition: string, ...values: SqlValue[]): void => {
      where.push(condition);
      params.push(...values);
    };
    if (query.status !== undefined) add("status = ?", query.status);
    if (query.workflow !== undefined) add("(name = ? OR namespace || '/' || name = ?)", query.workflow, query.workflow);
    if (query.q !== undefined) add("(id = ? OR instr(name, ?) > 0)", query.q, query.q);
    const [createdAt, id] = decodeCursor(query.cursor);
    if (createdAt !== undefined && id !== undefined) add("(created_at, id) < (?, ?)", createdAt, id);
    const rows = await this.#reader.scan(
      `SELECT ${RUN_COLUMNS} FROM workflow_run WHERE ${where.join(" AND ")} ORDER BY created_at DESC, id DESC LIMIT ?`,
      ...params,
      query.limit + 1,
    );
    const kept = rows.slice(0, query.limit);
    const last = kept.at(-1);
    return {
      items: kept.map(toRunSummary),
      nextCursor:
        rows.length > query.limit && last !== undefined ? `${String(last.created_at)}.${last.id as string}` : null,
    };
  }

  listChildren(runId: string): { runId: string; taskReference: string; status: RunStatus }[] {
    return this.#reader
      .all("SELECT id, parent_task, status FROM workflow_run WHERE parent_run = ?", runId)
      .map((row) => ({
        runId: row.id as string,
        taskReference: row.parent_task as string,
        status: row.status as RunStatus,
      }));
  }

  loadTasks(runId: string): StoredTask[] {
    return this.#reader
      .all(
        `SELECT ${TASK_COLUMNS}, event, event_order, input, output FROM workflow_task WHERE run_id = ? ORDER BY seq`,
        runId,
      )
      .map(toStoredTask);
  }

  listTasks(runId: string, page: PageQuery): Page<RunTaskSummary> {
    const after = page.cursor === undefined ? -1 : Number(page.cursor);
    const rows = this.#reader.all(
      `SELECT ${TASK_COLUMNS} FROM workflow_task WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
      runId,
      after,
      page.limit + 1,
    );
    const items = rows.slice(0, page.limit).map(toTaskSummary);
    return { items, nextCursor: rows.length > page.limit ? String(items.at(-1)?.seq ?? 0) : null };
  }

  getTask(runId: string, seq: number): RunTask | undefined {
    const row = this.#reader.get(
      `SELECT ${TASK_COLUMNS}, input, output FROM workflow_task WHERE run_id = ? AND seq = ?`,
      runId,
      seq,
    );
    return row === undefined ? undefined : toTask(row);
  }

  async listEvents(query: { runId?: string; after: number; limit: number }): Promise<RunEvent[]> {
    const rows =
      query.runId === undefined
        ? await this.#reader.scan(
            "SELECT * FROM workflow_event WHERE last_id > ? ORDER BY last_id LIMIT ?",
            query.after,
            query.limit,
          )
        : await this.#reader.scan(
            "SELECT * FROM workflow_event WHERE run_id = ? AND last_id > ? ORDER BY last_id LIMIT ?",
            query.runId,
            query.after,
            query.limit,
          );
    return rows
      .flatMap(eventsOf)
      .filter((event) => event.id > query.after)
      .slice(0, query.limit);
  }

  eventPosition(): number {
    return Number(this.#reader.get("SELECT coalesce(max(last_id), 0) AS id FROM workflow_event")?.id ?? 0);
  }

  #version(reference: WorkflowReference): SqlRow | undefined {
    const { namespace, name, version } = reference;
    return version === undefined || version === "latest"
      ? this.#reader.get(`${VERSION} WHERE v.namespace = ? AND v.name = ? ORDER BY v.id DESC LIMIT 1`, namespace, name)
      : this.#reader.get(`${VERSION} WHERE v.namespace = ? AND v.name = ? AND v.version = ?`, namespace, name, version);
  }

  #summary(row: SqlRow): WorkflowSummary {
    const namespace = row.namespace as string;
    const name = row.name as string;
    const versions = this.#reader
      .all("SELECT version FROM workflow_version WHERE namespace = ? AND name = ? ORDER BY id DESC", namespace, name)
      .map((version) => version.version as string);
    return {
      namespace,
      name,
      version: row.version as string,
      hash: row.hash as string,
      createdAt: new Date(Number(row.created_at)).toISOString(),
      versions,
      origin: row.origin as string,
      ...(row.title === null ? {} : { title: row.title as string }),
      ...(row.summary === null ? {} : { summary: row.summary as string }),
    };
  }
}

function decodeCursor(cursor: string | undefined): [number, string] | [] {
  if (cursor === undefined) return [];
  const match = /^(\d{1,15})\.(\w+)$/.exec(cursor);
  if (match === null)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `The cursor ${cursor} is not one of this list. Leave it out to begin at the start.`,
    );
  return [Number(match[1]), match[2] ?? ""];
}

function eventsOf(row: SqlRow): RunEvent[] {
  const firstId = Number(row.first_id);
  const firstSeq = Number(row.first_seq);
  const events = JSON.parse(row.events as string) as { type: string; time: string; data: JsonObject }[];
  return events.map((event, index) => ({
    id: firstId + index,
    runId: row.run_id as string,
    seq: firstSeq + index,
    ...event,
  }));
}

function commitParams(transition: Transition): CommitParams {
  const { create } = transition;
  const text = (value: JsonValue | object | undefined): string | null =>
    value === undefined ? null : JSON.stringify(value);
  return {
    runId: transition.runId,
    epoch: transition.epoch,
    create:
      create === undefined
        ? null
        : {
            ...create.workflow,
            input: JSON.stringify(create.input),
            createdAt: create.createdAtMs,
            parentRun: create.parent?.runId ?? null,
            parentTask: create.parent?.taskReference ?? null,
            startedBy: create.startedBy,
            idempotencyKey: create.idempotencyKey ?? null,
            priority: create.priority ?? 0,
            queue: create.queue ?? null,
            eventPosition: create.eventPosition ?? 0,
            owner: create.owner ?? null,
          },
    reopens: transition.reopens ?? false,
    status: transition.status ?? null,
    statusReason: transition.statusReason ?? null,
    startedAt: transition.startedAtMs ?? null,
    endedAt: transition.endedAtMs ?? null,
    output: text(transition.output),
    error: text(transition.error),
    simulated: transition.simulated ?? false,
    tainted: transition.tainted ?? false,
    rows: transition.rows.map(toRecord),
    events: JSON.stringify(
      transition.events.map(({ type, timeMs, data }) => ({ type, time: new Date(timeMs).toISOString(), data })),
    ),
    eventCount: transition.events.length,
  };
}
