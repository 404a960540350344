import {
  LogoMeshError,
  isTerminalRunStatus,
  type JsonObject,
  type Page,
  type PageQuery,
  type Run,
  type RunEvent,
  type RunStatus,
  type RunSummary,
  type RunTask,
  type RunTaskSummary,
  type WorkflowDetail,
  type WorkflowIdentity,
  type WorkflowReference,
  type WorkflowSummary,
} from "@logomesh/contracts";
import type { AuditEntryDraft, SqlRow } from "../../ports/index.ts";
import { describeTask, summarizeTask, toRun, toRunSummary } from "../store/rows.ts";
import type {
  ClaimedRun,
  RunClaim,
  CommitResult,
  NewRun,
  RunQuery,
  StoredDefinition,
  StoredTask,
  Transition,
  WorkflowStore,
} from "../store/workflowStore.ts";
import { MemoryDisk, type MemoryState } from "./memoryDisk.ts";

/** One engine's connection to a memory disk. Several may share a disk, as engines share a database. */
export class MemoryWorkflowStore implements WorkflowStore {
  readonly #disk: MemoryDisk;
  #isCut = false;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  /** The process behind this connection is gone: nothing that it asked for is answered any more. */
  cut(): void {
    this.#isCut = true;
  }

  #transact<T>(change: (state: MemoryState) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isCut) return;
      this.#disk.transact(change).then(
        (result) => {
          if (!this.#isCut) resolve(result);
        },
        (error: unknown) => {
          if (!this.#isCut) reject(error);
        },
      );
    });
  }

  // ---- definitions

  saveDefinition(definition: StoredDefinition, together: { audit?: AuditEntryDraft }): Promise<void> {
    return this.#transact((state) => {
      const taken = versionOf(state, definition);
      if (definition.listed && taken !== undefined && taken.hash !== definition.hash && !definition.replace)
        throw new LogoMeshError(
          "LM_CONFLICT",
          `${definition.name} ${definition.version} is stored with other content.`,
        );
      state.definitions.set(definition.hash, definition);
      if (together.audit !== undefined) state.audit.push(together.audit);
      if (!definition.listed || taken?.hash === definition.hash) return;
      state.versions = [...state.versions.filter((version) => version !== taken), definition];
    });
  }

  getDefinition(
    reference: WorkflowReference,
  ): { identity: WorkflowIdentity; source: string; document: JsonObject } | undefined {
    const found = versionOf(this.#disk.state, reference);
    if (found === undefined) return undefined;
    const { namespace, name, version, hash } = found;
    return { identity: { namespace, name, version, hash }, ...this.#content(found) };
  }

  getDefinitionByHash(hash: string): { source: string; document: JsonObject } | undefined {
    const found = this.#disk.state.definitions.get(hash);
    return found === undefined ? undefined : this.#content(found);
  }

  isDefined({ origin, source }: { origin: string; source: string }): boolean {
    return this.#disk.state.versions.some(
      (version) => version.origin === origin && this.#content(version).source === source,
    );
  }

  describeDefinition(reference: WorkflowReference): WorkflowDetail | undefined {
    const found = versionOf(this.#disk.state, reference);
    if (found === undefined) return undefined;
    const input = (found.document.input as JsonObject | undefined)?.schema as JsonObject | undefined;
    const schema = input?.document as JsonObject | undefined;
    return {
      ...this.#summarize(found),
      ...{ source: this.#content(found).source, definition: found.document },
      ...(schema === undefined ? {} : { inputSchema: schema }),
    };
  }

  listDefinitions(page: PageQuery): Promise<Page<WorkflowSummary>> {
    const { versions } = this.#disk.state;
    const newest = new Map(versions.map((version) => [`${version.namespace}/${version.name}`, version]));
    const names = [...newest.keys()].filter((name) => name > (page.cursor ?? "")).sort();
    const kept = names.slice(0, page.limit);
    return Promise.resolve({
      items: kept.map((name) => this.#summarize(newest.get(name) as StoredDefinition)),
      nextCursor: names.length > page.limit ? (kept.at(-1) ?? null) : null,
    });
  }

  deleteDefinition(
    reference: WorkflowReference,
    { force, audit }: { force: boolean; audit: AuditEntryDraft },
  ): Promise<void> {
    const { namespace, name, version } = reference;
    const isMeant = (found: { namespace: unknown; name: unknown; version: unknown }): boolean =>
      found.namespace === namespace && found.name === name && (version === undefined || found.version === version);
    return this.#transact((state) => {
      const live = [...state.runs.values()].filter((run) => isMeant(run as never) && !isTerminal(run));
      if (live.length > 0 && !force)
        throw new LogoMeshError("LM_WORKFLOW_IN_USE", `${live.length} live runs use ${name}.`);
      const left = state.versions.filter((found) => !isMeant(found));
      if (left.length === state.versions.length)
        throw new LogoMeshError("LM_WORKFLOW_NOT_FOUND", `No workflow ${name}.`);
      state.versions = left;
      state.audit.push(audit);
    });
  }

  /** The newest text of a content. */
  #content(definition: StoredDefinition): { source: string; document: JsonObject } {
    const { source, document } = this.#disk.state.definitions.get(definition.hash) ?? definition;
    return { source, document };
  }

  #summarize(found: StoredDefinition): WorkflowSummary {
    const { namespace, name, version, hash, createdAtMs, origin, title, summary } = found;
    const versions = this.#disk.state.versions
      .filter((other) => other.namespace === namespace && other.name === name)
      .map((other) => other.version)
      .reverse();
    return {
      ...{ namespace, name, version, hash, createdAt: new Date(createdAtMs).toISOString(), versions, origin },
      ...(title === undefined ? {} : { title }),
      ...(summary === undefined ? {} : { summary }),
    };
  }

  // ---- runs

  commit(transition: Transition): Promise<CommitResult> {
    return this.#transact((state) => {
      const run = this.#checked(state, transition);
      for (const command of transition.writes) this.#disk.refuse(command);
      const firstEventSeq = Number(run.event_seq) + 1;
      const firstEventId = (state.events.at(-1)?.id ?? 0) + 1;
      state.runs.set(transition.runId, runAfter(run, transition));
      const tasks = new Map(state.tasks.get(transition.runId));
      for (const row of transition.rows) tasks.set(row.seq, taskAfter(tasks.get(row.seq), row));
      state.tasks.set(transition.runId, tasks);
      transition.events.forEach(({ type, timeMs, data }, index) => {
        const numbers = { id: firstEventId + index, runId: transition.runId, seq: firstEventSeq + index };
        state.events.push({ ...numbers, type, time: new Date(timeMs).toISOString(), data });
      });
      state.audit.push(...transition.audit);
      state.writes.push(...transition.writes);
      return { firstEventId, firstEventSeq };
    });
  }

  #checked(state: MemoryState, { runId, epoch, create, reopens }: Transition): SqlRow {
    if (create !== undefined) {
      const { idempotencyKey } = create;
      if (idempotencyKey !== undefined && findByKey(state, idempotencyKey) !== undefined)
        throw new LogoMeshError("LM_CONFLICT", `A run with the idempotency key ${idempotencyKey} exists.`);
      return newRun(runId, { epoch, create });
    }
    const run = state.runs.get(runId);
    if (run === undefined) throw new LogoMeshError("LM_NOT_FOUND", `No run ${runId}.`);
    if (run.epoch !== epoch)
      throw new LogoMeshError("LM_WORKFLOW_LEASE_LOST", `Run ${runId} belongs to owner ${Number(run.epoch)}.`);
    if (reopens === true && (run.status === "faulted" || run.status === "cancelled"))
      return { ...run, status: "suspended", ended_at: null, error: null, output: null };
    if (isTerminal(run))
      throw new LogoMeshError("LM_WORKFLOW_RUN_FINISHED", `Run ${runId} is ${run.status as string}.`);
    return run;
  }

  async claimLiveRuns(
    audit: (run: { runId: string }) => AuditEntryDraft,
    { runId, owner, nowMs }: RunClaim = {},
  ): Promise<ClaimedRun[]> {
    const isFree = (state: MemoryState, run: SqlRow): boolean =>
      !isTerminal(run) &&
      (nowMs === undefined || run.owner === owner || (state.leases.get(String(run.owner)) ?? 0) <= nowMs);
    const live = [...this.#disk.state.runs.values()]
      .filter((run) => (runId === undefined || run.id === runId) && isFree(this.#disk.state, run))
      .map((run) => run.id as string)
      .sort();
    const claims = await Promise.all(
      live.map((id) =>
        this.#transact((state): ClaimedRun | undefined => {
          const run = state.runs.get(id) as SqlRow;
          if (!isFree(state, run)) return undefined;
          for (const [engineId, untilMs] of state.leases)
            if (nowMs !== undefined && untilMs <= nowMs && engineId !== owner) state.leases.delete(engineId);
          // A run that has not begun has nothing to recover.
          const recovered = run.status === "pending" ? 0 : 1;
          const [epoch, recoveries] = [Number(run.epoch) + 1, Number(run.recoveries) + recovered];
          const idle = Number(run.idle_recoveries) + recovered;
          state.runs.set(id, { ...run, owner: owner ?? null, epoch, recoveries, idle_recoveries: idle });
          state.audit.push(audit({ runId: id }));
          return { runId: id, epoch, idleRecoveries: idle, eventPosition: Number(run.event_position) };
        }),
      ),
    );
    return claims.filter((claim) => claim !== undefined);
  }

  renewLease({ engineId, untilMs }: { engineId: string; untilMs: number }): Promise<boolean> {
    return this.#transact((state) => {
      const wasHeld = state.leases.has(engineId);
      state.leases.set(engineId, untilMs);
      return wasHeld;
    });
  }

  hasExpiredLease(nowMs: number): boolean {
    return [...this.#disk.state.leases.values()].some((untilMs) => untilMs <= nowMs);
  }

  claimRun(runId: string, owner?: string): Promise<ClaimedRun | undefined> {
    return this.#transact((state) => {
      const run = state.runs.get(runId);
      if (run === undefined) return undefined;
      const epoch = Number(run.epoch) + 1;
      state.runs.set(runId, { ...run, owner: owner ?? null, epoch, idle_recoveries: 0 });
      return { runId, epoch, idleRecoveries: 0, eventPosition: Number(run.event_position ?? 0) };
    });
  }

  deleteRuns({ statuses, endedBeforeMs, tasksMax }: Parameters<WorkflowStore["deleteRuns"]>[0]): Promise<number> {
    return this.#transact((state) => {
      let [runs, tasks] = [0, 0];
      const ended = [...state.runs.values()]
        .filter((run) => isTerminal(run) && statuses.includes(run.status as RunStatus))
        .filter((run) => Number(run.ended_at) <= endedBeforeMs)
        .filter((run) => (state.runs.get(run.parent_run as string)?.status ?? "completed") === "completed")
        .sort((a, b) => Number(a.ended_at) - Number(b.ended_at) || ((a.id as string) < (b.id as string) ? -1 : 1));
      for (const { id } of ended as { id: string }[]) {
        tasks += state.tasks.get(id)?.size ?? 0;
        if (runs > 0 && tasks > tasksMax) break;
        state.runs.delete(id);
        state.tasks.delete(id);
        state.events = state.events.filter((event, index) => event.runId !== id || index === state.events.length - 1);
        runs += 1;
      }
      return runs;
    });
  }

  shrink(): Promise<number> {
    return Promise.resolve(0);
  }

  size(): { bytes: number; usedBytes: number } {
    const bytes = JSON.stringify([[...this.#disk.state.runs], this.#disk.state.events]).length;
    return { bytes, usedBytes: bytes };
  }

  record(audit: AuditEntryDraft): Promise<void> {
    return this.#transact((state) => void state.audit.push(audit));
  }

  getRun(runId: string): Run | undefined {
    const run = this.#disk.state.runs.get(runId);
    return run === undefined ? undefined : toRun(run);
  }

  findRunByIdempotencyKey(key: string): Run | undefined {
    const run = findByKey(this.#disk.state, key);
    return run === undefined ? undefined : toRun(run);
  }

  listRuns(query: RunQuery): Promise<Page<RunSummary>> {
    const { status, workflow, q, cursor, limit } = query;
    const order = (run: SqlRow): string => `${String(run.created_at).padStart(15, "0")}.${run.id as string}`;
    const found = [...this.#disk.state.runs.values()]
      .filter((run) => status === undefined || run.status === status)
      .filter(
        (run) =>
          workflow === undefined || [run.name, `${run.namespace as string}/${run.name as string}`].includes(workflow),
      )
      .filter((run) => q === undefined || run.id === q || (run.name as string).includes(q))
      .filter((run) => cursor === undefined || order(run) < cursor)
      .sort((a, b) => (order(a) < order(b) ? 1 : -1));
    const kept = found.slice(0, limit);
    const last = kept.at(-1);
    return Promise.resolve({
      items: kept.map(toRunSummary),
      nextCursor: found.length > limit && last !== undefined ? order(last) : null,
    });
  }

  listChildren(runId: string): { runId: string; taskReference: string; status: RunStatus }[] {
    return [...this.#disk.state.runs.values()]
      .filter((run) => run.parent_run === runId)
      .map((run) => ({
        runId: run.id as string,
        taskReference: run.parent_task as string,
        status: run.status as RunStatus,
      }));
  }

  loadTasks(runId: string): StoredTask[] {
    return [...(this.#disk.state.tasks.get(runId)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
  }

  listTasks(runId: string, page: PageQuery): Page<RunTaskSummary> {
    const after = page.cursor === undefined ? -1 : Number(page.cursor);
    const rows = this.loadTasks(runId).filter(({ seq }) => seq > after);
    const items = rows.slice(0, page.limit).map(summarizeTask);
    return { items, nextCursor: rows.length > page.limit ? String(items.at(-1)?.seq ?? 0) : null };
  }

  getTask(runId: string, seq: number): RunTask | undefined {
    const row = this.#disk.state.tasks.get(runId)?.get(seq);
    return row === undefined ? undefined : describeTask(row);
  }

  listEvents({ runId, after, limit }: { runId?: string; after: number; limit: number }): Promise<RunEvent[]> {
    const found = this.#disk.state.events.filter(
      (event) => event.id > after && (runId === undefined || event.runId === runId),
    );
    return Promise.resolve(found.slice(0, limit) as RunEvent[]);
  }

  eventPosition(): number {
    return this.#disk.state.events.at(-1)?.id ?? 0;
  }
}

function versionOf(state: MemoryState, { namespace, name, version }: WorkflowReference): StoredDefinition | undefined {
  return state.versions.findLast(
    (found) =>
      found.namespace === namespace &&
      found.name === name &&
      (version === undefined || version === "latest" || found.version === version),
  );
}

function findByKey(state: MemoryState, key: string): SqlRow | undefined {
  return [...state.runs.values()].find((run) => run.idempotency_key === key);
}

function isTerminal(run: SqlRow): boolean {
  return isTerminalRunStatus(run.status as RunStatus);
}

function newRun(id: string, { epoch, create }: { epoch: number; create: NewRun }): SqlRow {
  return {
    ...{ id, ...create.workflow, status: "pending", status_reason: null },
    ...{ input: JSON.stringify(create.input), output: null, error: null },
    ...{ created_at: create.createdAtMs, started_at: null, ended_at: null },
    ...{ parent_run: create.parent?.runId ?? null, parent_task: create.parent?.taskReference ?? null },
    ...{ simulated: 0, tainted: 0, started_by: create.startedBy, idempotency_key: create.idempotencyKey ?? null },
    ...{ owner: create.owner ?? null, priority: create.priority ?? 0, queue: create.queue ?? null },
    ...{ epoch, recoveries: 0, idle_recoveries: 0, event_seq: 0, event_position: create.eventPosition ?? 0 },
  };
}

function runAfter(run: SqlRow, transition: Transition): SqlRow {
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));
  const isNewStatus = transition.status !== undefined && transition.status !== run.status;
  return {
    ...run,
    status: transition.status ?? run.status ?? null,
    status_reason: isNewStatus
      ? (transition.statusReason ?? null)
      : (transition.statusReason ?? run.status_reason ?? null),
    started_at: run.started_at ?? transition.startedAtMs ?? null,
    ended_at: transition.endedAtMs ?? run.ended_at ?? null,
    output: text(transition.output) ?? run.output ?? null,
    error: text(transition.error) ?? run.error ?? null,
    simulated: transition.simulated === true ? 1 : (run.simulated ?? 0),
    tainted: transition.tainted === true ? 1 : (run.tainted ?? 0),
    event_seq: Number(run.event_seq) + transition.events.length,
    idle_recoveries: transition.rows.some(({ eventOrder }) => eventOrder !== null) ? 0 : (run.idle_recoveries ?? 0),
  };
}

function taskAfter(known: StoredTask | undefined, row: StoredTask): StoredTask {
  if (known === undefined) return row;
  const { status, endedAtMs, event, eventOrder, output, error } = row;
  const kept = { input: row.input ?? known.input, details: row.details ?? known.details };
  return { ...known, status, endedAtMs, event, eventOrder, output, error, ...kept };
}
