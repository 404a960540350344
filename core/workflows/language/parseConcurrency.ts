import { isObject } from "../expressions/index.ts";
import type { Concurrency } from "./definition.ts";
import type { Fields } from "./fields.ts";
import type { TaskParser } from "./parseTask.ts";

/** A limit that nobody reaches is written by leaving it out. */
const RUNS_MAX = 1_000;

/** `document.metadata.logomesh.concurrency`: a number, or `{ runs, key }`. */
export function parseConcurrency(parser: TaskParser, root: Fields): Concurrency | undefined {
  const document = root.get("document") ?? null;
  const metadata = isObject(document) ? (document.metadata ?? null) : null;
  const own = isObject(metadata) ? (metadata.logomesh ?? null) : null;
  if (!isObject(own) || own.concurrency === undefined) return undefined;
  const path = ["document", "metadata", "logomesh"];
  const value = own.concurrency;
  const isDetailed = isObject(value);
  const fields = parser.fields(isDetailed ? value : { runs: value }, [...path, ...(isDetailed ? ["concurrency"] : [])]);
  fields.only(["runs", "key"], "`concurrency`");
  const runs = fields.get("runs");
  if (typeof runs !== "number" || !Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX) {
    fields.fault(
      `give how many runs go on at once, from 1 to ${RUNS_MAX}: a number, or { runs: 1, key: .customer }`,
      isDetailed ? "runs" : "concurrency",
    );
    return undefined;
  }
  return { runs, ...(fields.has("key") ? { key: parser.expression(fields, "key") } : {}) };
}
