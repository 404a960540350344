import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { assert, canonicalJson } from "../../base/index.ts";
import { isObject, type Template } from "../expressions/index.ts";
import type { EventFilter, EventStrategy, ListenTask, TaskList } from "../language/index.ts";
import type { CloudEvent } from "../../ports/index.ts";
import { createFault } from "./faults.ts";
import type { Frame, Scope } from "./frame.ts";
import type { Steps } from "./steps.ts";
import { isTrue, type TaskHost } from "./taskHost.ts";

// `listen`: which events a task waits for, and what consuming one leads to.
//
//   listening    events are offered, those that match are consumed
//   processing   `foreach` works on one consumed event; nothing is offered until it has
//
// Filters are evaluated when listening begins, `data` and correlations for each event. A match only narrows what can match later, so an
// event that was passed over need not be offered again.

/** Consumed by one task; its output holds them all. */
const CONSUMED_MAX = 10_000;

/** A strategy while it is being met. */
export interface LiveStrategy {
  kind: EventStrategy["kind"];
  filters: LiveFilter[];
}

export interface LiveFilter {
  filter: EventFilter;
  /** Values of the attributes that are no patterns, by position. */
  values: (JsonValue | undefined)[];
  /** What correlations must equal, by position; undefined until the first event says. */
  expected: (JsonValue | undefined)[];
  isMet: boolean;
}

export interface ListenLocals {
  kind: "listen";
  phase: "listening" | "processing";
  strategy: LiveStrategy;
  /** Events that end listening. */
  until: LiveStrategy | undefined;
  /** What was consumed, as the task reads it, or what `foreach` made of it. */
  outputs: JsonValue[];
  /** Place in the order of the run's events when listening began. */
  sinceOrder: number;
  /** Position of the newest event that this task consumed. */
  position: number | undefined;
  list: TaskList;
  steps: number;
}

/** The types that can match; undefined when any type may. */
export function literalTypes({ strategy, until }: ListenLocals): string[] | undefined {
  const all = [strategy, ...(until === undefined ? [] : [until])];
  const types = new Set<string>();
  for (const { filters } of all) {
    if (filters.length === 0) return undefined;
    for (const { filter, values } of filters) {
      const index = filter.attributes.findIndex(({ name }) => name === "type");
      const type = index < 0 ? undefined : values[index];
      if (typeof type !== "string") return undefined;
      types.add(type);
    }
  }
  return [...types];
}

export function* beginListening(host: TaskHost, frame: Frame): Steps<void> {
  const { task } = frame;
  assert(task.type === "listen", "only a listen listens");
  const { until } = task.to;
  frame.locals = {
    kind: "listen",
    phase: "listening",
    strategy: yield* prepare(host, frame, task.to),
    until: isStrategy(until) ? yield* prepare(host, frame, until) : undefined,
    outputs: [],
    sinceOrder: host.order(),
    position: undefined,
    list: task.foreach?.tasks ?? { reference: "", tasks: [], indexOf: new Map() },
    steps: 0,
  };
  host.listen(frame);
}

/** Whether the event would be consumed. Changes nothing. */
export function* matchesListener(host: TaskHost, frame: Frame, event: CloudEvent): Steps<boolean> {
  const { locals } = frame;
  if (locals.kind !== "listen" || locals.phase !== "listening") return false;
  if ((yield* findMatch(host, frame, { strategy: locals.strategy, event })) !== undefined) return true;
  const { until } = locals;
  return until !== undefined && (yield* findMatch(host, frame, { strategy: until, event })) !== undefined;
}

/** Consumes an event that matches. */
export function* consume(
  host: TaskHost,
  frame: Frame,
  { position, event }: { position: number; event: CloudEvent },
): Steps<void> {
  const { task, locals } = frame;
  assert(task.type === "listen" && locals.kind === "listen", "only a listen consumes");
  locals.position = position;
  const { strategy, until } = locals;
  const index = yield* findMatch(host, frame, { strategy, event });
  if (index === undefined) {
    assert(until !== undefined, "an event that matches nothing is not consumed");
    yield* meet(host, frame, {
      strategy: until,
      event,
      index: yield* findMatch(host, frame, { strategy: until, event }),
    });
    if (isMet(until)) end(host, frame);
    return;
  }
  yield* meet(host, frame, { strategy, event, index });
  const item = readAs(task.read, event);
  const { foreach } = task;
  if (foreach === undefined) {
    locals.outputs.push(item);
    yield* goOn(host, frame);
    return;
  }
  locals.phase = "processing";
  locals.steps = 0;
  host.unlisten(frame);
  host.enterList(frame, locals, item, iterationScope(frame, item));
}

/** `foreach` has worked on one event. */
export function* processed(host: TaskHost, frame: Frame, output: JsonValue): Steps<void> {
  const { task, locals } = frame;
  assert(task.type === "listen" && locals.kind === "listen" && task.foreach !== undefined, "only foreach processes");
  const { foreach } = task;
  const made =
    foreach.outputAs === undefined ? output : yield* host.evaluate(foreach.outputAs, output, frame, { output });
  host.validate(foreach.outputSchema, made, `The output of an event of “${task.name}”`);
  if (foreach.exportAs !== undefined) {
    const exported = yield* host.evaluate(foreach.exportAs, made, frame, { output: made });
    host.validate(foreach.exportSchema, exported, `The export of an event of “${task.name}”`);
    host.exportContext(exported);
  }
  locals.outputs.push(made);
  locals.phase = "listening";
  if (yield* goOn(host, frame)) host.listen(frame);
}

/** After an event: whether listening goes on. */
function* goOn(host: TaskHost, frame: Frame): Steps<boolean> {
  const { task, locals } = frame;
  assert(task.type === "listen" && locals.kind === "listen", "only a listen goes on");
  const { outputs, strategy } = locals;
  if (outputs.length > CONSUMED_MAX)
    throw createFault("runtime", `“${task.name}” consumed more than ${CONSUMED_MAX} events; let it end earlier.`, {
      code: "LM_TOO_LARGE",
    });
  const { until } = task.to;
  const isOver = until === undefined ? isMet(strategy) : !isStrategy(until) && (yield* holds(host, frame, until));
  if (isOver) end(host, frame);
  return !isOver;
}

function* holds(host: TaskHost, frame: Frame, until: Template): Steps<boolean> {
  const { locals } = frame;
  return locals.kind === "listen" && isTrue(yield* host.evaluate(until, locals.outputs, frame));
}

function end(host: TaskHost, frame: Frame): void {
  const { locals } = frame;
  assert(locals.kind === "listen", "only a listen ends listening");
  locals.phase = "processing";
  host.unlisten(frame);
  host.finish(frame, locals.outputs);
}

function iterationScope(frame: Frame, item: JsonValue): Scope {
  const { task, locals } = frame;
  assert(task.type === "listen" && locals.kind === "listen" && task.foreach !== undefined, "only foreach iterates");
  return { ...frame.scope, [task.foreach.item]: item, [task.foreach.at]: locals.outputs.length };
}

function* prepare(host: TaskHost, frame: Frame, { kind, filters }: EventStrategy): Steps<LiveStrategy> {
  const live: LiveFilter[] = [];
  for (const filter of filters) {
    const values: (JsonValue | undefined)[] = [];
    for (const attribute of filter.attributes)
      values.push("value" in attribute ? yield* host.evaluate(attribute.value, frame.input, frame) : undefined);
    const expected: (JsonValue | undefined)[] = [];
    for (const { expect } of filter.correlate)
      expected.push(expect === undefined ? undefined : yield* host.evaluate(expect, frame.input, frame));
    live.push({ filter, values, expected, isMet: false });
  }
  return { kind, filters: live };
}

/** Position of the first filter that the event fits; -1 where there are no filters and every event fits. */
function* findMatch(
  host: TaskHost,
  frame: Frame,
  { strategy, event }: { strategy: LiveStrategy; event: CloudEvent },
): Steps<number | undefined> {
  if (strategy.filters.length === 0) return -1;
  for (const [index, live] of strategy.filters.entries()) {
    if (strategy.kind === "all" && live.isMet) continue;
    if (yield* fits(host, frame, { live, event })) return index;
  }
  return undefined;
}

function* fits(host: TaskHost, frame: Frame, { live, event }: { live: LiveFilter; event: CloudEvent }): Steps<boolean> {
  const { filter, values, expected } = live;
  const envelope = toEnvelope(event);
  for (const [index, attribute] of filter.attributes.entries()) {
    const actual = envelope[attribute.name];
    if (actual === undefined) return false;
    if ("value" in attribute) {
      if (textOf(values[index]) !== textOf(actual)) return false;
    } else if (
      typeof actual !== "string" ||
      !(yield* tolerant(host, frame, { template: attribute.pattern, data: actual }))
    )
      return false;
  }
  const data = event.data ?? null;
  if (filter.data !== undefined && !(yield* fitsData(host, frame, { template: filter.data, data }))) return false;
  for (const [index, { from }] of filter.correlate.entries()) {
    const value = yield* attempt(host, frame, { template: from, data: envelope });
    if (value === undefined || value === null) return false;
    const wanted = expected[index];
    if (wanted !== undefined && canonicalJson(wanted) !== canonicalJson(value)) return false;
  }
  return true;
}

function* fitsData(
  host: TaskHost,
  frame: Frame,
  { template, data }: { template: Template; data: JsonValue },
): Steps<boolean> {
  const wanted = yield* attempt(host, frame, { template, data });
  if (wanted === undefined) return false;
  return template.kind === "expression" ? isTrue(wanted) : includes(data, wanted);
}

/** An event is a stranger's: what an expression cannot make of it is no fault of the workflow, only no match. */
function* attempt(
  host: TaskHost,
  frame: Frame,
  { template, data }: { template: Template; data: JsonValue },
): Steps<JsonValue | undefined> {
  try {
    return yield* host.evaluate(template, data, frame);
  } catch (error) {
    if (isExpressionError(error)) return undefined;
    throw error;
  }
}

function* tolerant(host: TaskHost, frame: Frame, job: { template: Template; data: JsonValue }): Steps<boolean> {
  const value = yield* attempt(host, frame, job);
  return value !== undefined && isTrue(value);
}

function isExpressionError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "LM_WORKFLOW_EXPRESSION" || code === "LM_WORKFLOW_EXPRESSION_LIMIT";
}

/** Attributes are texts, numbers and booleans; in CloudEvents each is also a text. */
function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "object" ? undefined : String(value);
}

/** Whether every member that is wanted is there, however deep. */
function includes(actual: JsonValue, wanted: JsonValue): boolean {
  if (!isObject(wanted)) return canonicalJson(actual) === canonicalJson(wanted);
  return (
    isObject(actual) &&
    Object.entries(wanted).every(
      ([key, value]) => Object.hasOwn(actual, key) && includes(actual[key] as JsonValue, value),
    )
  );
}

/** Marks the filter as met; correlations without an expectation take the first value. */
function* meet(
  host: TaskHost,
  frame: Frame,
  { strategy, event, index }: { strategy: LiveStrategy; event: CloudEvent; index: number | undefined },
): Steps<void> {
  const live = strategy.filters[index ?? -1];
  if (live === undefined) return;
  live.isMet = true;
  for (const { key, from } of live.filter.correlate) {
    const value = yield* host.evaluate(from, toEnvelope(event), frame);
    // A key of one name is one key for all filters of the task.
    for (const other of strategy.filters)
      other.filter.correlate.forEach((correlation, at) => {
        if (correlation.key === key) other.expected[at] ??= value;
      });
  }
}

function isMet({ kind, filters }: LiveStrategy): boolean {
  if (filters.length === 0) return true;
  return kind === "all" ? filters.every((filter) => filter.isMet) : filters.some((filter) => filter.isMet);
}

function isStrategy(until: ListenTask["to"]["until"]): until is EventStrategy {
  return until !== undefined && "filters" in until;
}

/** The event as CloudEvents writes it in JSON: extension attributes beside the others. */
export function toEnvelope({ extensions, ...event }: CloudEvent): JsonObject {
  return { ...extensions, ...event };
}

function readAs(form: ListenTask["read"], event: CloudEvent): JsonValue {
  switch (form) {
    case "data":
      return event.data ?? null;
    case "envelope":
      return toEnvelope(event);
    case "raw":
      return JSON.stringify(event.data ?? null);
  }
}
