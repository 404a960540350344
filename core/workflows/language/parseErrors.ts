import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { isExpressionText, isObject } from "../expressions/index.ts";
import type { CatchClause, RetryPolicy, Task } from "./definition.ts";
import type { Fields } from "./fields.ts";
import type { TaskParser, TaskSource } from "./parseTask.ts";

// How errors are caught, tried again and raised.

export function parseCatch(parser: TaskParser, { fields, base }: TaskSource): CatchClause {
  const clause: CatchClause = { as: "error" };
  const body = fields.object("catch", { required: true });
  if (body === undefined) return clause;
  body.only(["errors", "as", "when", "exceptWhen", "retry", "do", "then"], "catch");
  const errors = body.object("errors");
  errors?.only(["with"], "errors");
  const filter = errors?.object("with");
  if (filter !== undefined) {
    filter.only(["type", "status", "instance", "title", "detail", "details"], "errors.with");
    clause.errorsWith = parser.template(filter.value, filter.path);
  }
  clause.as = parser.variable(body, "as") ?? "error";
  if (body.has("when")) clause.when = parser.expression(body, "when");
  if (body.has("exceptWhen")) clause.exceptWhen = parser.expression(body, "exceptWhen");
  const retry = body.get("retry");
  if (retry !== undefined) {
    const resolved = typeof retry === "string" ? parser.component("retries", retry, body, "retry") : retry;
    if (isObject(resolved ?? null))
      clause.retry = parseRetry(parser, parser.fields(resolved as JsonObject, [...body.path, "retry"]));
    else if (resolved !== undefined) body.fault("give a retry policy or the name of one under `use.retries`", "retry");
  }
  if (body.has("do")) clause.do = parser.list(body.get("do"), [...body.path, "do"], `${base.reference}/catch/do`);
  const then = body.text("then");
  if (then !== undefined) clause.then = then;
  return clause;
}

function parseRetry(parser: TaskParser, fields: Fields): RetryPolicy {
  fields.only(["when", "exceptWhen", "delay", "backoff", "limit", "jitter"], "a retry policy");
  const policy: RetryPolicy = { delayMs: parser.fixed(fields, "delay") ?? 0, backoff: "constant" };
  const backoff = fields.object("backoff");
  backoff?.only(["constant", "linear", "exponential"], "backoff");
  if (backoff?.has("linear") === true) policy.backoff = "linear";
  if (backoff?.has("exponential") === true) policy.backoff = "exponential";
  if (fields.has("when")) policy.when = parser.expression(fields, "when");
  if (fields.has("exceptWhen")) policy.exceptWhen = parser.expression(fields, "exceptWhen");
  const limit = fields.object("limit");
  limit?.only(["attempt", "duration"], "limit");
  const attempt = limit?.object("attempt");
  attempt?.only(["count", "duration"], "limit.attempt");
  const count = attempt?.get("count");
  if (typeof count === "number" && Number.isInteger(count) && count >= 1) policy.attemptsMax = count;
  else if (count !== undefined) attempt?.fault("`count` is a whole number from 1 on", "count");
  const durationMsMax = limit === undefined ? undefined : parser.fixed(limit, "duration");
  const attemptDurationMsMax = attempt === undefined ? undefined : parser.fixed(attempt, "duration");
  if (attemptDurationMsMax !== undefined) policy.attemptDurationMsMax = attemptDurationMsMax;
  if (durationMsMax !== undefined) policy.durationMsMax = durationMsMax;
  const jitter = fields.object("jitter");
  jitter?.only(["from", "to"], "jitter");
  if (jitter !== undefined)
    policy.jitter = { fromMs: parser.fixed(jitter, "from") ?? 0, toMs: parser.fixed(jitter, "to") ?? 0 };
  return policy;
}

export function parseRaise(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
  const raise = fields.object("raise", { required: true });
  const error = raise?.get("error");
  if (raise === undefined || error === undefined) {
    raise?.fault("“error” is missing");
    return undefined;
  }
  raise.only(["error"], "raise");
  const resolved = typeof error === "string" ? parser.component("errors", error, raise, "error") : error;
  if (!isObject(resolved ?? null)) {
    if (resolved !== undefined)
      raise.fault("give an error with `type` and `status`, or the name of one under `use.errors`", "error");
    return undefined;
  }
  const body = parser.fields(resolved as JsonObject, [...raise.path, "error"]);
  body.only(["type", "status", "title", "detail", "instance"], "an error");
  const { status } = body.value;
  if (status !== undefined && !isStatus(status))
    body.fault("`status` is a whole number from 100 to 599, or an expression", "status");
  for (const name of ["type", "status"]) if (!body.has(name)) body.fault(`“${name}” is missing in the error`);
  return { ...base, type: "raise", error: parser.template(body.value, body.path) };
}

function isStatus(value: JsonValue): boolean {
  if (typeof value === "string") return isExpressionText(value);
  return typeof value === "number" && Number.isInteger(value) && value >= 100 && value <= 599;
}
