import type { Effect, JsonValue, WorkflowError } from "@logomesh/contracts";

import { assert } from "../../base/index.ts";
import type { CloudEvent } from "../../ports/index.ts";
import { isObject, type ExpressionEvaluator, type Template, type Variables } from "../expressions/index.ts";
import {
  parseDuration,
  standardError,
  type DataSchema,
  type EffectTask,
  type FlowDirective,
  type Task,
  type TaskList,
  type Timeout,
  type WorkflowDefinition,
} from "../language/index.ts";
import type { JournalEventKind, StoredTask } from "../store/workflowStore.ts";
import { createFault, raisedFault, toWorkflowError, validationFault } from "./faults.ts";
import { timerKey, type Frame, type Locals, type Scope, type Timer, type TimerKind } from "./frame.ts";
import { beginListening, consume, matchesListener, processed } from "./listenTask.ts";
import { eventRow, restartRow, timerRow, toRow } from "./rows.ts";
import type { SchemaValidator } from "./schemas.ts";
import type { Steps } from "./steps.ts";
import { isTrue, type TaskHost } from "./taskHost.ts";
import {
  emptyTransition,
  type MachineEnd,
  type MachineEvent,
  type RestartEvent,
  type Transition,
} from "./transition.ts";
import { attempt, catchError } from "./tryTask.ts";
import { RunVariables } from "./variables.ts";

// The interpreter: a deterministic state machine over recorded events. (definition, input, events in their order) determine everything:
// sequence numbers, branches, retries and due times, for its only clock is the instant of the last event. It performs nothing itself;
// it says what to launch, arm and stop, and which rows to write. Expressions that only real jq can evaluate suspend the current event,
// never the order: an event is finished before the next begins.

export interface MachineOptions {
  definition: WorkflowDefinition;
  runId: string;
  input: JsonValue;
  startedAtMs: number;
  evaluator: ExpressionEvaluator;
  schemas: SchemaValidator;
  runtime: { name: string; version: string };
  effectOf: (task: EffectTask, args: JsonValue) => Effect;
}

/** A loop without effects and without end is a mistake; it faults instead of holding the process. */
const TRANSITIONS_PER_EVENT_MAX = 500_000;
/** Rows of tasks without effect are only for looking at, and a long loop has very many; the journal is never cut. */
const VIEW_ROWS_MAX = 20_000;
/** So many transitions may pass before others get their turn. */
const TRANSITIONS_PER_TURN = 1_000;

type Action =
  | { kind: "begin"; frame: Frame }
  | { kind: "complete"; frame: Frame; output: JsonValue; then?: FlowDirective | undefined }
  | { kind: "iterate"; frame: Frame; output: JsonValue }
  | { kind: "processed"; frame: Frame; output: JsonValue };

export class Machine {
  readonly #options: MachineOptions;
  readonly #variables: RunVariables;
  readonly #root: Frame;
  readonly #host: TaskHost;
  readonly #effects = new Map<number, Frame>();
  readonly #timers = new Map<string, Timer>();
  readonly #listeners = new Map<number, Frame>();
  /** Consumed events: place in the order of events, by position. */
  readonly #consumed = new Map<number, number>();
  #agenda: Action[] = [];
  #context: JsonValue = {};
  #nowMs: number;
  #nextSeq = 0;
  #eventOrder = 0;
  #viewRows = 0;
  #stopped = false;
  #transition: Transition = emptyTransition();

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#nowMs = options.startedAtMs;
    this.#variables = new RunVariables(options);
    this.#host = this.#createHost();
    this.#root = createFrame({
      ...{
        seq: -1,
        task: rootTask(options.definition),
        parent: undefined,
        attempt: 1,
        iteration: undefined,
        scope: {},
      },
      ...{ path: "", rawInput: options.input, startedAtMs: options.startedAtMs },
    });
  }

  /** Outstanding effects, by sequence number. */
  get effects(): ReadonlyMap<number, Frame> {
    return this.#effects;
  }

  get timers(): ReadonlyMap<string, Timer> {
    return this.#timers;
  }

  get ended(): boolean {
    return !this.#root.live;
  }

  /** Tasks that listen for events, by sequence number. */
  get listeners(): ReadonlyMap<number, Frame> {
    return this.#listeners;
  }

  /** Whether a listening task would consume the event. */
  *matches(seq: number, { position, event }: { position: number; event: CloudEvent }): Steps<boolean> {
    const frame = this.#listeners.get(seq);
    return frame !== undefined && this.#isFree(frame, position) && (yield* matchesListener(this.#host, frame, event));
  }

  /** Events so far; the next one has this number plus one. */
  get eventOrder(): number {
    return this.#eventOrder;
  }

  /** Rows of everything that is going on, in order of starting. */
  liveRows(): StoredTask[] {
    const rows: StoredTask[] = [];
    const visit = (frame: Frame): void => {
      if (frame.seq >= 0) rows.push(toRow(frame, { status: statusOf(frame), endedAtMs: null }));
      for (const child of frame.children) visit(child);
    };
    visit(this.#root);
    return rows.sort((a, b) => a.seq - b.seq);
  }

  /** Leaves the current event at the next transition; the machine is of no use afterwards. */
  stop(): void {
    this.#stopped = true;
  }

  takeTransition(): Transition {
    const transition = this.#transition;
    this.#transition = emptyTransition();
    return transition;
  }

  *start(): Steps<void> {
    this.#agenda.push({ kind: "begin", frame: this.#root });
    yield* this.#drain();
  }

  /** Whether an event still means something; late ones are dropped and nothing of them is recorded. */
  expects(event: MachineEvent): boolean {
    if (event.kind === "restart") return !this.ended;
    if (event.kind === "effect") return this.#effects.has(event.seq);
    if (event.kind === "event") return this.#listeners.has(event.seq);
    return this.#timers.has(`${event.kind}:${event.seq}`);
  }

  *apply(event: MachineEvent): Steps<void> {
    if (!this.expects(event)) return;
    // What an event before this one changed may have made it one for nobody.
    if (event.kind === "event" && !(yield* this.matches(event.seq, event))) return;
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    if (event.kind === "restart") return this.#restart(event);
    this.#eventOrder += 1;
    if (event.kind === "effect") yield* this.#applyEffect(event);
    else if (event.kind === "event") yield* this.#applyConsumed(event);
    else yield* this.#applyTimer(this.#timers.get(`${event.kind}:${event.seq}`) as Timer, event.kind);
    yield* this.#drain();
  }

  /** Ends everything that is live. */
  cancel(atMs: number): void {
    if (this.ended) return;
    this.#nowMs = Math.max(this.#nowMs, atMs);
    this.#agenda = [];
    this.#cancelChildren(this.#root);
    this.#end({ status: "cancelled" });
  }

  /** What waits outside begins anew under new numbers; time limits begin anew too, pauses keep their due time. */
  #restart(event: RestartEvent): void {
    this.#eventOrder = event.order;
    this.#nextSeq = Math.max(this.#nextSeq, event.seq) + 1;
    this.#transition.rows.push(restartRow(event));
    const effects = [...this.#effects.values()];
    this.#effects.clear();
    for (const frame of effects) {
      const timeout = this.#timers.get(timerKey("timeout", frame.seq));
      this.#timers.delete(timerKey("timeout", frame.seq));
      frame.seq = this.#nextSeq++;
      frame.isRestarted = true;
      this.#effects.set(frame.seq, frame);
      this.#transition.launched.push(frame);
      if (timeout !== undefined) this.#timers.set(timerKey("timeout", frame.seq), { ...timeout, seq: frame.seq });
    }
    for (const [key, timer] of this.#timers) {
      if (timer.kind !== "timeout" && timer.kind !== "attempt") continue;
      const dueAtMs = this.#nowMs + timer.dueAtMs - timer.armedAtMs;
      this.#timers.set(key, { ...timer, armedAtMs: this.#nowMs, dueAtMs });
    }
  }

  *#applyEffect(event: Extract<MachineEvent, { kind: "effect" }>): Steps<void> {
    const frame = this.#effects.get(event.seq) as Frame;
    this.#effects.delete(event.seq);
    frame.event = { kind: "effect", order: this.#eventOrder };
    if (event.details !== undefined && frame.locals.kind === "effect") frame.locals.details = event.details;
    const { outcome } = event;
    if (!outcome.ok) yield* this.#fault(frame, outcome.error);
    else yield* this.#complete(frame, outcome.output, undefined, outcome.recorded === true);
  }

  *#applyConsumed({ seq, position, event }: Extract<MachineEvent, { kind: "event" }>): Steps<void> {
    const frame = this.#listeners.get(seq) as Frame;
    const order = this.#eventOrder;
    if (!this.#consumed.has(position)) this.#consumed.set(position, order);
    const row = { seq: this.#nextSeq++, order, nowMs: this.#nowMs, position, event };
    this.#transition.rows.push(eventRow(frame, row));
    try {
      yield* consume(this.#host, frame, { position, event });
    } catch (thrown) {
      yield* this.#fault(frame, toWorkflowError(thrown, frame.task.reference));
    }
  }

  /** Events that an earlier listener of the run consumed are not for one that began later. */
  #isFree({ locals }: Frame, position: number): boolean {
    if (locals.kind === "listen" && position <= (locals.position ?? 0)) return false;
    const consumedAt = this.#consumed.get(position);
    return consumedAt === undefined || (locals.kind === "listen" && consumedAt > locals.sinceOrder);
  }

  *#applyTimer(timer: Timer, kind: JournalEventKind): Steps<void> {
    const { frame } = timer;
    this.#timers.delete(timerKey(timer.kind, timer.seq));
    switch (timer.kind) {
      case "wait":
        frame.event = { kind, order: this.#eventOrder };
        yield* this.#complete(frame, frame.input);
        return;
      case "timeout": {
        frame.event = { kind, order: this.#eventOrder };
        this.#cancelChildren(frame);
        if (this.#effects.delete(frame.seq)) this.#transition.abandoned.push(frame.seq);
        const seconds = (timer.dueAtMs - timer.armedAtMs) / 1000;
        const what = frame.seq < 0 ? "The workflow" : `“${frame.task.name}”`;
        yield* this.#fault(frame, timeoutError(`${what} took longer than its timeout of ${seconds} s.`, frame));
        return;
      }
      case "retry":
        this.#transition.rows.push(timerRow(timer, { nowMs: this.#nowMs, order: this.#eventOrder }));
        attempt(this.#host, frame);
        return;
      case "attempt":
        this.#transition.rows.push(timerRow(timer, { nowMs: this.#nowMs, order: this.#eventOrder }));
        this.#cancelChildren(frame);
        yield* catchError(this.#host, frame, timeoutError(`An attempt of “${frame.task.name}” took too long.`, frame));
    }
  }

  *#drain(): Steps<void> {
    let transitions = 0;
    for (let index = 0; index < this.#agenda.length; index++) {
      if (this.#stopped) return;
      const action = this.#agenda[index] as Action;
      if (index > 1_000) {
        this.#agenda = this.#agenda.slice(index);
        index = 0;
      }
      transitions += 1;
      if (transitions > TRANSITIONS_PER_EVENT_MAX) {
        yield* this.#giveUp();
        return;
      }
      if (transitions % TRANSITIONS_PER_TURN === 0) yield new Promise((resolve) => setImmediate(resolve));
      if (!action.frame.live) continue;
      if (action.kind === "begin") yield* this.#begin(action.frame);
      else if (action.kind === "complete") yield* this.#complete(action.frame, action.output, action.then);
      else if (action.kind === "iterate") yield* this.#iterate(action.frame, action.output);
      else yield* this.#processed(action.frame, action.output);
    }
    this.#agenda = [];
  }

  *#giveUp(): Steps<void> {
    this.#agenda = [];
    this.#cancelChildren(this.#root);
    const { error } = createFault(
      "runtime",
      `More than ${TRANSITIONS_PER_EVENT_MAX} transitions without an effect: the workflow loops without end.`,
    );
    yield* this.#fault(this.#root, error);
  }

  // ---- starting

  #spawn(parent: Frame, task: Task, input: JsonValue, scope: Scope): void {
    const { locals } = parent;
    const frame = createFrame({
      seq: this.#nextSeq++,
      ...{ task, parent, scope, rawInput: input, startedAtMs: this.#nowMs, path: parent.path + stepOf(parent, task) },
      attempt: locals.kind === "try" && locals.phase === "try" ? locals.attempt : parent.attempt,
      iteration:
        locals.kind === "loop" ? locals.index : locals.kind === "listen" ? locals.outputs.length : parent.iteration,
    });
    parent.children.add(frame);
    this.#agenda.push({ kind: "begin", frame });
  }

  *#begin(frame: Frame): Steps<void> {
    const { task } = frame;
    try {
      this.#validate(task.inputSchema, frame.rawInput, `The input of “${task.name}”`);
      if (task.inputFrom !== undefined) frame.input = yield* this.#evaluate(task.inputFrom, frame.rawInput, frame);
      if (task.if !== undefined && !isTrue(yield* this.#evaluate(task.if, frame.input, frame))) {
        this.#close(frame, "skipped");
        yield* this.#childDone(frame, frame.rawInput, "continue");
        return;
      }
      if (task.timeout !== undefined) {
        const ms = yield* this.#timeoutMs(task.timeout, frame);
        this.#arm("timeout", { seq: frame.seq, frame, delayMs: ms });
      }
      yield* this.#enter(frame);
    } catch (thrown) {
      yield* this.#fault(frame, toWorkflowError(thrown, task.reference));
    }
  }

  *#enter(frame: Frame): Steps<void> {
    const { task, input } = frame;
    switch (task.type) {
      case "do":
        return this.#enterList(frame, { kind: "list", list: task.tasks, steps: 0 }, input);
      case "set":
        return this.#finish(frame, yield* this.#evaluate(task.value, input, frame));
      case "switch":
        return this.#finish(frame, input, yield* this.#chooseCase(frame));
      case "raise":
        throw raisedFault(toRaised(yield* this.#evaluate(task.error, input, frame), task.reference));
      case "wait": {
        frame.locals = { kind: "wait" };
        const delayMs = yield* this.#durationMs(task.duration, frame, "wait");
        return this.#arm("wait", { seq: frame.seq, frame, delayMs });
      }
      case "call":
        return this.#launch(frame, task, yield* this.#evaluate(task.with, input, frame));
      case "emit":
        return this.#launch(frame, task, yield* this.#evaluate(task.event, input, frame));
      case "listen":
        return yield* beginListening(this.#host, frame);
      case "run":
        return this.#launch(frame, task, yield* this.#evaluate(task.input, input, frame));
      case "fork": {
        const { tasks } = task.branches;
        frame.locals = { kind: "fork", outputs: tasks.map(() => null), pending: tasks.length };
        for (const branch of tasks) this.#spawn(frame, branch, input, frame.scope);
        return;
      }
      case "for": {
        const items = yield* this.#evaluate(task.in, input, frame);
        if (!Array.isArray(items)) {
          throw createFault("expression", `\`for.in\` of “${task.name}” must give a list, not ${typeName(items)}.`);
        }
        frame.locals = { kind: "loop", list: task.tasks, steps: 0, items, index: -1 };
        return this.#push({ kind: "iterate", frame, output: input });
      }
      case "try":
        frame.locals = { kind: "try", list: task.tasks, steps: 0, phase: "try", attempt: 0 };
        return attempt(this.#host, frame);
    }
  }

  #createHost(): TaskHost {
    return {
      runId: this.#options.runId,
      nowMs: () => this.#nowMs,
      takeSeq: () => this.#nextSeq++,
      evaluate: (template, data, frame, options) => this.#evaluate(template, data, frame, options),
      enterList: (frame, locals, input, scope) => this.#enterList(frame, locals, input, scope),
      finish: (frame, output, then) => this.#finish(frame, output, then),
      fault: (frame, error) => this.#fault(frame, error),
      arm: (kind, timer) => this.#arm(kind, timer),
      disarm: (key) => this.#disarm(key),
      listen: (frame) => this.#listen(frame),
      unlisten: (frame) => this.#unlisten(frame),
      order: () => this.#eventOrder,
      validate: (schema, value, what) => this.#validate(schema, value, what),
      exportContext: (context) => {
        this.#context = context;
      },
    };
  }

  #push(action: Action): void {
    this.#agenda.push(action);
  }

  #finish(frame: Frame, output: JsonValue, then?: FlowDirective): void {
    this.#push({ kind: "complete", frame, output, then });
  }

  #enterList(frame: Frame, locals: Extract<Locals, { list: TaskList }>, input: JsonValue, scope = frame.scope): void {
    frame.locals = locals;
    const [first] = locals.list.tasks;
    if (first === undefined) this.#listDone(frame, input);
    else this.#spawn(frame, first, input, scope);
  }

  *#chooseCase(frame: Frame): Steps<FlowDirective | undefined> {
    assert(frame.task.type === "switch", "only a switch has cases");
    for (const { when, then } of frame.task.cases) {
      if (when === undefined || isTrue(yield* this.#evaluate(when, frame.input, frame))) return then;
    }
    return undefined;
  }

  #launch(frame: Frame, task: EffectTask, args: JsonValue): void {
    frame.locals = { kind: "effect", effect: this.#options.effectOf(task, args), arguments: args };
    this.#effects.set(frame.seq, frame);
    this.#transition.launched.push(frame);
    if (frame.locals.effect === "once") {
      this.#transition.rows.push(toRow(frame, { status: "running", endedAtMs: null }));
    }
  }

  *#iterate(frame: Frame, output: JsonValue): Steps<void> {
    const { task, locals } = frame;
    assert(task.type === "for" && locals.kind === "loop", "only a loop iterates");
    const index = locals.index + 1;
    if (index >= locals.items.length) return this.#finish(frame, output);
    const scope = { ...frame.scope, [task.each]: locals.items[index] as JsonValue, [task.at]: index };
    try {
      if (task.while !== undefined && !isTrue(yield* this.#evaluate(task.while, output, frame, { scope })))
        return this.#finish(frame, output);
    } catch (thrown) {
      return yield* this.#fault(frame, toWorkflowError(thrown, task.reference));
    }
    this.#enterList(frame, { ...locals, steps: 0, index }, output, scope);
  }

  *#processed(frame: Frame, output: JsonValue): Steps<void> {
    try {
      yield* processed(this.#host, frame, output);
    } catch (thrown) {
      yield* this.#fault(frame, toWorkflowError(thrown, frame.task.reference));
    }
  }

  // ---- ending

  *#complete(frame: Frame, raw: JsonValue, then?: FlowDirective, recorded = false): Steps<void> {
    const { task } = frame;
    let output = raw;
    try {
      if (!recorded) {
        if (task.outputAs !== undefined) output = yield* this.#evaluate(task.outputAs, raw, frame, { output: raw });
        this.#validate(task.outputSchema, output, `The output of “${task.name}”`);
      }
      if (task.exportAs !== undefined) {
        const exported = yield* this.#evaluate(task.exportAs, output, frame, { output });
        this.#validate(task.exportSchema, exported, `The export of “${task.name}”`);
        this.#context = exported;
      }
    } catch (thrown) {
      yield* this.#fault(frame, toWorkflowError(thrown, task.reference));
      return;
    }
    this.#close(frame, "completed", { output });
    yield* this.#childDone(frame, output, then ?? task.then ?? "continue");
  }

  *#childDone(child: Frame, output: JsonValue, then: FlowDirective): Steps<void> {
    const { parent } = child;
    if (parent === undefined) {
      this.#end({ status: "completed", output });
      return;
    }
    if (then === "end") {
      this.#cancelChildren(this.#root);
      this.#agenda = [];
      yield* this.#complete(this.#root, output);
      return;
    }
    const { locals } = parent;
    if (locals.kind === "fork") return this.#branchDone(parent, child, output);
    assert("list" in locals, `A ${parent.task.type} task has no list`);
    const { list } = locals;
    const position = list.indexOf.get(child.task.name) ?? list.tasks.length;
    const next = then === "continue" ? position + 1 : then === "exit" ? list.tasks.length : list.indexOf.get(then);
    const task = list.tasks[next ?? list.tasks.length];
    if (task === undefined) this.#listDone(parent, output);
    else this.#spawn(parent, task, output, child.scope);
  }

  #branchDone(fork: Frame, branch: Frame, output: JsonValue): void {
    const { task, locals } = fork;
    assert(task.type === "fork" && locals.kind === "fork", "only a fork has branches");
    if (task.compete) {
      this.#cancelChildren(fork);
      this.#finish(fork, output);
      return;
    }
    locals.outputs[task.branches.indexOf.get(branch.task.name) ?? 0] = output;
    locals.pending -= 1;
    if (locals.pending === 0) this.#finish(fork, locals.outputs);
  }

  #listDone(frame: Frame, output: JsonValue): void {
    const { task, locals } = frame;
    if (task.type === "for") this.#push({ kind: "iterate", frame, output });
    else if (task.type === "listen") this.#push({ kind: "processed", frame, output });
    else if (task.type === "try" && locals.kind === "try" && locals.phase === "catch")
      this.#finish(frame, output, task.catch.then);
    else this.#finish(frame, output);
  }

  /** Ends a frame with an error, and those around it up to the nearest `try`. */
  *#fault(frame: Frame, error: WorkflowError): Steps<void> {
    this.#cancelChildren(frame);
    if (this.#effects.delete(frame.seq)) this.#transition.abandoned.push(frame.seq);
    this.#close(frame, "faulted", { error });
    const { parent } = frame;
    if (parent === undefined) this.#end({ status: "faulted", error });
    else if (parent.locals.kind === "try" && parent.locals.phase === "try")
      yield* catchError(this.#host, parent, error);
    else yield* this.#fault(parent, error);
  }

  // ---- common

  #close(
    frame: Frame,
    status: "completed" | "faulted" | "cancelled" | "skipped",
    result: { output?: JsonValue; error?: WorkflowError } = {},
  ): void {
    frame.live = false;
    frame.parent?.children.delete(frame);
    this.#disarm(timerKey("timeout", frame.seq));
    const { locals } = frame;
    this.#unlisten(frame);
    if (locals.kind === "wait") this.#disarm(timerKey("wait", frame.seq));
    if (locals.kind === "try" && locals.timerSeq !== undefined) this.#disarm(timerKey("attempt", locals.timerSeq));
    if (locals.kind === "try" && locals.phase === "pause") {
      for (const [key, timer] of this.#timers) if (timer.frame === frame) this.#disarm(key);
    }
    if (frame.seq < 0) return;
    if (frame.event === undefined && frame.locals.kind !== "effect" && ++this.#viewRows > VIEW_ROWS_MAX) return;
    this.#transition.rows.push(toRow(frame, { status, endedAtMs: this.#nowMs, ...result }));
  }

  #cancelChildren(frame: Frame): void {
    for (const child of frame.children) {
      this.#cancelChildren(child);
      if (this.#effects.delete(child.seq)) this.#transition.abandoned.push(child.seq);
      this.#close(child, "cancelled");
    }
  }

  #end(end: MachineEnd): void {
    this.#root.live = false;
    for (const key of [...this.#timers.keys()]) this.#disarm(key);
    for (const frame of [...this.#listeners.values()]) this.#unlisten(frame);
    this.#transition.ended = end;
  }

  #arm(kind: TimerKind, { seq, frame, delayMs }: { seq: number; frame: Frame; delayMs: number }): void {
    const timer = { kind, seq, frame, armedAtMs: this.#nowMs, dueAtMs: this.#nowMs + delayMs };
    this.#timers.set(timerKey(kind, seq), timer);
    this.#transition.armed.push(timer);
  }

  #disarm(key: string): void {
    if (this.#timers.delete(key)) this.#transition.disarmed.push(key);
  }

  #listen(frame: Frame): void {
    this.#listeners.set(frame.seq, frame);
    this.#transition.listening.push(frame);
  }

  #unlisten({ seq }: Frame): void {
    if (this.#listeners.delete(seq)) this.#transition.unlistened.push(seq);
  }

  #validate(schema: DataSchema | undefined, value: JsonValue, what: string): void {
    if (schema === undefined) return;
    const problems = this.#options.schemas.validate(schema.document, value);
    if (problems.length > 0) throw validationFault(what, problems);
  }

  *#timeoutMs(timeout: Timeout, frame: Frame): Steps<number> {
    return yield* this.#durationMs(timeout.after, frame, "timeout.after");
  }

  *#durationMs(duration: number | Template, frame: Frame, field: string): Steps<number> {
    if (typeof duration === "number") return duration;
    const value = yield* this.#evaluate(duration, frame.input, frame);
    const ms = parseDuration(value);
    if (ms === undefined)
      throw createFault("expression", `\`${field}\` of “${frame.task.name}” gave no duration such as PT5S.`);
    return ms;
  }

  *#evaluate(
    template: Template,
    data: JsonValue,
    frame: Frame,
    options: { output?: JsonValue; scope?: Scope } = {},
  ): Steps<JsonValue> {
    if (template.kind === "literal") return template.value;
    const variables: Variables = this.#variables.of(frame, { context: this.#context, ...options });
    const value = this.#options.evaluator.evaluateTemplate(template, data, variables);
    return value instanceof Promise ? ((yield value) as JsonValue) : value;
  }
}

function createFrame(
  fields: Pick<
    Frame,
    "seq" | "task" | "parent" | "path" | "attempt" | "iteration" | "scope" | "rawInput" | "startedAtMs"
  >,
): Frame {
  const { rawInput } = fields;
  return { ...fields, input: rawInput, live: true, event: undefined, children: new Set(), locals: { kind: "none" } };
}

/** The part of a path that a new task of `parent` adds. */
function stepOf(parent: Frame, task: Task): string {
  const { locals } = parent;
  if (locals.kind === "fork") return `|${task.name}`;
  assert("list" in locals, `A ${parent.task.type} task has no list`);
  const loop =
    locals.kind === "loop"
      ? `[${locals.index}]`
      : locals.kind === "listen"
        ? `[${locals.outputs.length}]`
        : locals.kind === "try" && locals.phase === "catch"
          ? "!"
          : "";
  return `${loop}.${locals.steps++}`;
}

/** The workflow as the task around its tasks. Its input schema is checked before there is a run. */
function rootTask(definition: WorkflowDefinition): Task {
  const { inputFrom, outputAs, outputSchema, timeout } = definition;
  return {
    ...{ type: "do", name: definition.name, reference: "", metadata: {}, tasks: definition.body },
    ...(inputFrom === undefined ? {} : { inputFrom }),
    ...(outputAs === undefined ? {} : { outputAs }),
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function statusOf(frame: Frame): "running" | "waiting" {
  const { locals } = frame;
  return locals.kind === "wait" || locals.kind === "listen" || (locals.kind === "try" && locals.phase === "pause")
    ? "waiting"
    : "running";
}

function typeName(value: JsonValue): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
}

function timeoutError(detail: string, frame: Frame): WorkflowError {
  return { ...standardError("timeout"), detail, instance: frame.task.reference, code: "LM_TIMEOUT" };
}

function toRaised(value: JsonValue, instance: string): WorkflowError {
  if (!isObject(value) || typeof value.type !== "string")
    throw createFault("expression", "The raised error needs a `type` that is a text.");
  const status = Number(value.status);
  if (!Number.isInteger(status))
    throw createFault("expression", "The raised error needs a `status` that is a whole number.");
  const text = (name: string): Record<string, string> => {
    const member = value[name];
    return typeof member === "string" ? { [name]: member } : {};
  };
  return { type: value.type, status, ...text("title"), ...text("detail"), instance, ...text("instance") };
}
