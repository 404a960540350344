import { LogoMeshError } from "@logomesh/contracts/errors";
import type { CreateWriterModule, WriteContext } from "../../db/index.ts";
import type { ClaimedRun } from "./workflowStore.ts";

import { deleteRuns, shrink } from "./pruneCommands.ts";

/** A task in the order of the columns. */
export type TaskRecord = readonly [
  seq: number,
  reference: string,
  name: string,
  type: string,
  call: string | null,
  parentSeq: number | null,
  iteration: number | null,
  attempt: number,
  status: string,
  effect: string,
  startedAt: number,
  endedAt: number | null,
  event: string | null,
  eventOrder: number | null,
  input: string | null,
  output: string | null,
  error: string | null,
  details: string | null,
];

export interface CommitParams {
  runId: string;
  epoch: number;
  create: CreateRunParams | null;
  reopens: boolean;
  status: string | null;
  statusReason: string | null;
  startedAt: number | null;
  endedAt: number | null;
  output: string | null;
  error: string | null;
  simulated: boolean;
  tainted: boolean;
  rows: readonly TaskRecord[];
  /** JSON text of a list of `{type, time, data}`. */
  events: string;
  eventCount: number;
}

export interface CreateRunParams {
  namespace: string;
  name: string;
  version: string;
  hash: string;
  input: string;
  createdAt: number;
  parentRun: string | null;
  parentTask: string | null;
  startedBy: string;
  idempotencyKey: string | null;
  priority: number;
  queue: string | null;
  eventPosition: number;
  owner: string | null;
}

export interface SaveDefinitionParams {
  namespace: string;
  name: string;
  version: string;
  hash: string;
  source: string;
  document: string;
  title: string | null;
  summary: string | null;
  origin: string;
  createdAt: number;
  replace: boolean;
  listed: boolean;
}

const INSERT_RUN = `INSERT INTO workflow_run
  (id, namespace, name, version, hash, status, input, created_at, parent_run, parent_task, started_by, idempotency_key, epoch, priority, queue, event_position, owner)
  VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE_RUN = `UPDATE workflow_run SET
  status_reason = CASE WHEN ?1 IS NULL OR ?1 = status THEN coalesce(?2, status_reason) ELSE ?2 END, status = coalesce(?1, status), started_at = coalesce(started_at, ?), ended_at = coalesce(?, ended_at),
  output = coalesce(?, output), error = coalesce(?, error), simulated = max(simulated, ?), tainted = max(tainted, ?), event_seq = event_seq + ?,
  idle_recoveries = CASE WHEN ? THEN 0 ELSE idle_recoveries END
  WHERE id = ? AND epoch = ? AND status NOT IN ('completed', 'faulted', 'cancelled')
  RETURNING event_seq`;
const REOPEN_RUN = `UPDATE workflow_run SET status = 'suspended', ended_at = NULL, error = NULL, output = NULL
  WHERE id = ? AND epoch = ? AND status IN ('faulted', 'cancelled')`;
const UPSERT_TASK = `INSERT INTO workflow_task
  (run_id, seq, reference, name, type, call, parent_seq, iteration, attempt, status, effect, started_at, ended_at, event, event_order, input, output, error, details)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (run_id, seq) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at, event = excluded.event, event_order = excluded.event_order,
  input = coalesce(excluded.input, input), output = excluded.output, error = excluded.error, details = coalesce(excluded.details, details)`;
const INSERT_EVENTS =
  "INSERT INTO workflow_event (last_id, first_id, run_id, first_seq, events) VALUES (?, ?, ?, ?, ?)";
const LAST_EVENT = "SELECT coalesce(max(last_id), 0) AS id FROM workflow_event";
const RUN_STATE = "SELECT epoch, status FROM workflow_run WHERE id = ?";

/** The write half of the SQLite workflow store. */
export const createWorkflowWriterModule: CreateWriterModule = () => ({
  name: "workflow",
  commands: {
    "workflow.commit": commitTransition,
    "workflow.define": saveDefinition,
    "workflow.undefine": deleteDefinition,
    "workflow.claim": claimRun,
    "workflow.claimForPerson": claimForPerson,
    "workflow.lease": renewLease,
    "workflow.deleteRuns": deleteRuns,
    "workflow.shrink": shrink,
  },
});

function commitTransition(
  context: WriteContext,
  params: CommitParams,
): { firstEventId: number; firstEventSeq: number } {
  const { runId, create } = params;
  if (create !== null) {
    if (
      create.idempotencyKey !== null &&
      context.sql("SELECT 1 FROM workflow_run WHERE idempotency_key = ?").get(create.idempotencyKey) !== undefined
    ) {
      throw new LogoMeshError("LM_CONFLICT", `A run with the idempotency key ${create.idempotencyKey} exists.`);
    }
    context
      .sql(INSERT_RUN)
      .run(
        runId,
        create.namespace,
        create.name,
        create.version,
        create.hash,
        create.input,
        create.createdAt,
        create.parentRun,
        create.parentTask,
        create.startedBy,
        create.idempotencyKey,
        params.epoch,
        create.priority,
        create.queue,
        create.eventPosition,
        create.owner,
      );
  }
  if (params.reopens) context.sql(REOPEN_RUN).run(runId, params.epoch);
  const count = params.eventCount;
  const recorded = params.rows.some((row) => row[13] !== null) ? 1 : 0;
  const updated = context
    .sql(UPDATE_RUN)
    .get(
      params.status,
      params.statusReason,
      params.startedAt,
      params.endedAt,
      params.output,
      params.error,
      params.simulated ? 1 : 0,
      params.tainted ? 1 : 0,
      count,
      recorded,
      runId,
      params.epoch,
    ) as { event_seq: number } | undefined;
  if (updated === undefined)
    throw refusal(context.sql(RUN_STATE).get(runId) as { epoch: number; status: string } | undefined, params);
  const upsert = context.sql(UPSERT_TASK);
  for (const row of params.rows) upsert.run(runId, ...row);
  const firstEventSeq = updated.event_seq - count + 1;
  const firstEventId = (context.sql(LAST_EVENT).get() as { id: number }).id + 1;
  if (count > 0)
    context.sql(INSERT_EVENTS).run(firstEventId + count - 1, firstEventId, runId, firstEventSeq, params.events);
  return { firstEventId, firstEventSeq };
}

function refusal(run: { epoch: number; status: string } | undefined, { runId, epoch }: CommitParams): LogoMeshError {
  if (run === undefined) return new LogoMeshError("LM_NOT_FOUND", `No run ${runId}.`);
  if (run.epoch !== epoch)
    return new LogoMeshError("LM_WORKFLOW_LEASE_LOST", `Run ${runId} belongs to owner ${run.epoch}, not to ${epoch}.`);
  return new LogoMeshError("LM_WORKFLOW_RUN_FINISHED", `Run ${runId} is ${run.status}.`);
}

function saveDefinition(context: WriteContext, params: SaveDefinitionParams): void {
  const { namespace, name, version, hash } = params;
  const taken = context
    .sql("SELECT hash FROM workflow_version WHERE namespace = ? AND name = ? AND version = ?")
    .get(namespace, name, version) as { hash: string } | undefined;
  if (params.listed && taken !== undefined && taken.hash !== hash && !params.replace) {
    throw new LogoMeshError(
      "LM_CONFLICT",
      `${namespace}/${name} ${version} is stored with other content. Raise document.version.`,
    );
  }
  context
    .sql(
      "INSERT INTO workflow_definition (hash, source, document, title, summary, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET source = excluded.source",
    )
    .run(hash, params.source, params.document, params.title, params.summary, params.createdAt);
  if (!params.listed || taken?.hash === hash) return;
  context
    .sql("DELETE FROM workflow_version WHERE namespace = ? AND name = ? AND version = ?")
    .run(namespace, name, version);
  context
    .sql("INSERT INTO workflow_version (namespace, name, version, hash, origin, created_at) VALUES (?, ?, ?, ?, ?, ?)")
    .run(namespace, name, version, hash, params.origin, params.createdAt);
}

function deleteDefinition(
  context: WriteContext,
  params: { namespace: string; name: string; version: string | null; force: boolean },
): number {
  const { namespace, name, version } = params;
  const where = "namespace = ? AND name = ? AND (? IS NULL OR version = ?)";
  const live = context
    .sql(
      `SELECT count(*) AS n FROM workflow_run WHERE status NOT IN ('completed', 'faulted', 'cancelled') AND ${where}`,
    )
    .get(namespace, name, version, version) as { n: number };
  if (live.n > 0 && !params.force) {
    throw new LogoMeshError(
      "LM_WORKFLOW_IN_USE",
      `${live.n} live runs use ${namespace}/${name}${version === null ? "" : ` ${version}`}.`,
    );
  }
  const { changes } = context.sql(`DELETE FROM workflow_version WHERE ${where}`).run(namespace, name, version, version);
  if (changes === 0)
    throw new LogoMeshError(
      "LM_WORKFLOW_NOT_FOUND",
      `No workflow ${namespace}/${name}${version === null ? "" : ` ${version}`}.`,
    );
  return Number(changes);
}

/** Refused when another engine has the run by now, or it has ended. */
function claimRun(
  context: WriteContext,
  { runId, owner, now }: { runId: string; owner: string | null; now: number | null },
): Omit<ClaimedRun, "runId"> {
  if (now !== null) context.sql("DELETE FROM workflow_engine WHERE lease_until <= ? AND id IS NOT ?").run(now, owner);
  const claim = context
    .sql(
      `UPDATE workflow_run SET owner = ?2, epoch = epoch + 1, recoveries = recoveries + (status <> 'pending'), idle_recoveries = idle_recoveries + (status <> 'pending')
     WHERE id = ?1 AND status NOT IN ('completed', 'faulted', 'cancelled')
     AND (?3 IS NULL OR owner IS NULL OR owner NOT IN (SELECT id FROM workflow_engine WHERE id IS NOT ?2))
     RETURNING epoch, idle_recoveries AS idleRecoveries, event_position AS eventPosition`,
    )
    .get(runId, owner, now) as unknown as Omit<ClaimedRun, "runId"> | undefined;
  if (claim === undefined)
    throw new LogoMeshError("LM_WORKFLOW_LEASE_LOST", `Run ${runId} has ended, or another engine has it.`);
  return claim;
}

function renewLease(context: WriteContext, { engineId, until }: { engineId: string; until: number }): boolean {
  const known = context.sql("SELECT 1 FROM workflow_engine WHERE id = ?").get(engineId) !== undefined;
  context
    .sql(
      "INSERT INTO workflow_engine (id, lease_until) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
    )
    .run(engineId, until);
  return known;
}

function claimForPerson(
  context: WriteContext,
  { runId, owner }: { runId: string; owner: string | null },
): Omit<ClaimedRun, "runId"> | null {
  const row = context
    .sql(
      `UPDATE workflow_run SET owner = ?2, epoch = epoch + 1, idle_recoveries = 0 WHERE id = ?1
       RETURNING epoch, idle_recoveries AS idleRecoveries, event_position AS eventPosition`,
    )
    .get(runId, owner);
  return (row ?? null) as Omit<ClaimedRun, "runId"> | null;
}
