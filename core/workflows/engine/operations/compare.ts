import type { ComparedSide, ComparedTask, ComparedValue, CompareRunsResult, Run } from "@logomesh/contracts";
import { sha256Hex } from "../../../base/index.ts";
import type { StoredTask } from "../../store/workflowStore.ts";

/** Values up to this size are shown; of larger ones size and digest. */
const SHOWN_CHARS_MAX = 2_000;

type Field = ComparedTask["differences"][number];

/** Two runs side by side: tasks aligned by their place in the definition, the iterations around them, and how often they came there. */
export function compareRuns(
  a: { run: Run; rows: StoredTask[] },
  b: { run: Run; rows: StoredTask[] },
): CompareRunsResult {
  const [left, right] = [byPlace(a.rows), byPlace(b.rows)];
  const places = mergeOrders([...left.keys()], [...right.keys()]);
  const tasks = places.map((place): ComparedTask => {
    const [rowA, rowB] = [left.get(place), right.get(place)];
    const row = rowA ?? rowB;
    return {
      ...{ place, name: row?.name ?? "", type: row?.call ?? row?.type ?? "" },
      ...(rowA === undefined ? {} : { a: sideOf(rowA) }),
      ...(rowB === undefined ? {} : { b: sideOf(rowB) }),
      differences: differencesOf(rowA, rowB),
    };
  });
  const runOf = ({ run }: { run: Run }): CompareRunsResult["a"] => ({
    ...{ id: run.id, workflow: run.workflow, status: run.status },
    ...(run.input === undefined ? {} : { input: valueOf(JSON.stringify(run.input)) }),
    ...(run.output === undefined ? {} : { output: valueOf(JSON.stringify(run.output)) }),
    ...(run.startedAt === undefined || run.endedAt === undefined
      ? {}
      : { durationMs: Date.parse(run.endedAt) - Date.parse(run.startedAt) }),
  });
  const different = tasks.filter(({ differences }) => differences.length > 0).length;
  const summaries = { a: runOf(a), b: runOf(b) };
  return {
    ...{ ...summaries, tasks, different },
    identical: different === 0 && ["status", "input", "output"].every((field) => isEqual(summaries, field as "status")),
  };
}

function isEqual({ a, b }: Pick<CompareRunsResult, "a" | "b">, field: "status" | "input" | "output"): boolean {
  return JSON.stringify(a[field]) === JSON.stringify(b[field]);
}

/** Rows by place: the reference, the iterations of the loops around it, and the number of the visit. */
function byPlace(rows: readonly StoredTask[]): Map<string, StoredTask> {
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  const visits = new Map<string, number>();
  const places = new Map<string, StoredTask>();
  for (const row of rows) {
    const iterations: number[] = [];
    let last: number | null = null;
    for (
      let at: StoredTask | undefined = row;
      at !== undefined;
      at = at.parentSeq === null ? undefined : bySeq.get(at.parentSeq)
    ) {
      if (at.iteration !== null && at.iteration !== last) iterations.unshift(at.iteration);
      last = at.iteration;
    }
    const place = row.reference + iterations.map((iteration) => `[${iteration}]`).join("");
    const visit = (visits.get(place) ?? 0) + 1;
    visits.set(place, visit);
    places.set(visit === 1 ? place : `${place} (${visit})`, row);
  }
  return places;
}

/** The order of `a`, with what only `b` has after what stands before it there. */
function mergeOrders(a: readonly string[], b: readonly string[]): string[] {
  const known = new Set(a);
  const after = new Map<string, string[]>();
  let previous = "";
  for (const place of b) {
    if (known.has(place)) previous = place;
    else after.set(previous, [...(after.get(previous) ?? []), place]);
  }
  return [...(after.get("") ?? []), ...a.flatMap((place) => [place, ...(after.get(place) ?? [])])];
}

function differencesOf(a: StoredTask | undefined, b: StoredTask | undefined): Field[] {
  if (a === undefined || b === undefined) return ["missing"];
  return (["status", "input", "output", "error"] as const).filter((field) => a[field] !== b[field]);
}

function sideOf(row: StoredTask): ComparedSide {
  return {
    ...{ seq: row.seq, status: row.status },
    ...(row.endedAtMs === null ? {} : { durationMs: row.endedAtMs - row.startedAtMs }),
    ...(row.input === null ? {} : { input: valueOf(row.input) }),
    ...(row.output === null ? {} : { output: valueOf(row.output) }),
    ...(row.error === null ? {} : { error: valueOf(row.error) }),
  };
}

function valueOf(json: string): ComparedValue {
  if (json.length <= SHOWN_CHARS_MAX) return { value: JSON.parse(json) as never };
  return { bytes: Buffer.byteLength(json), sha256: sha256Hex(json) };
}
