import type { Effect, JsonObject, JsonValue, TaskStatus, WorkflowError } from "@logomesh/contracts";
import { assert, sha256Hex } from "../../base/index.ts";
import { isObject, type ExpressionEvaluator, type Template } from "../expressions/index.ts";
import {
  parseDuration,
  type CallTask,
  type ForTask,
  type Task,
  type TaskList,
  type TryTask,
  type WorkflowDefinition,
} from "../language/index.ts";
import { catchError } from "./catchError.ts";
import type { Frame, Outcome, RunEnd, StepRequest, TaskRow } from "./frame.ts";
import { after, type MaybePromise } from "./maybePromise.ts";
import type { SchemaValidator } from "./schemaValidator.ts";
import { scopeFor } from "./scope.ts";
import { WorkflowFault, toWorkflowError, validationFault, workflowError } from "./workflowErrors.ts";

// A deterministic state machine over recorded outcomes: (definition, input, outcomes in order) decide everything it does.
// It owns the frames of one run (one for each live task, plain data) and what is to be reported since the last take().
// Pure tasks run through at once; calls, timers and child runs become step requests, and their outcomes come back by settle().
// It knows no clock but the time it is handed, no store, no executor. A list of tasks is a cursor in the frame that holds it;
// frame ROOT holds the body of the workflow.

const ROOT = -1;

export interface InterpreterOptions {
  runId: string;
  definition: WorkflowDefinition;
  evaluator: ExpressionEvaluator;
  schemas: SchemaValidator;
  effectOf: (task: Task) => Effect;
  /** Uniform in [0, 1); only for jitter, whose result is recorded. */
  random: () => number;
}

/** What happened since the last take: rows to write, steps to start, steps to stop. */
export interface Changes {
  /** To be stored. */
  rows: TaskRow[];
  /** Started and not stored yet: only to be shown. */
  live: TaskRow[];
  /** Tasks whose timeout has to be watched. */
  deadlines: { seq: number; atMs: number }[];
  steps: StepRequest[];
  /** Steps that are no longer wanted: losers of a race, what a timeout or a fault ended. */
  stopped: number[];
  end: RunEnd | undefined;
}

export class Interpreter {
  readonly #options: InterpreterOptions;
  readonly #frames = new Map<number, Frame>();
  #context: JsonValue = null;
  #nextSeq = 0;
  #endOrder = 0;
  #nowMs = 0;
  #startedAtMs = 0;
  #runInput: JsonValue = null;
  #changes: Changes = noChanges();

  constructor(options: InterpreterOptions) {
    this.#options = options;
  }

  /** Begins the run. The input has been checked against the workflow's schema. */
  start(input: JsonValue, nowMs: number): MaybePromise<void> {
    const { definition } = this.#options;
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs;
    this.#runInput = input;
    const root = this.#newFrame({
      seq: ROOT,
      parent: undefined,
      reference: "",
      attempt: 1,
      path: this.#options.runId,
      rawInput: input,
      variables: {},
    });
    return this.#guard(root, () =>
      after(this.#evaluate(definition.inputFrom, input, root), (transformed) => {
        root.input = transformed;
        this.#runInput = transformed;
        return this.#enterList(root, "body", transformed);
      }),
    );
  }

  /** Feeds the outcome of a step. False when the step is no longer wanted; the outcome is then nothing. */
  settle(seq: number, outcome: Outcome, nowMs: number): MaybePromise<boolean> {
    const frame = this.#frames.get(seq);
    if (frame === undefined || this.#changes.end !== undefined) return false;
    this.#nowMs = nowMs;
    const order = this.#endOrder++;
    const done =
      outcome.kind === "completed"
        ? this.#settleCompleted(frame, outcome.output, order)
        : this.#fail(frame, outcome.error, order);
    return after(done, () => true);
  }

  /** What is to be done now; each change is answered once. */
  take(): Changes {
    const changes = this.#changes;
    this.#changes = { ...noChanges(), end: changes.end };
    return changes;
  }

  isLive(seq: number): boolean {
    return this.#frames.has(seq);
  }

  /** Steps that wait for an outcome, in order of starting: what a recovery has to start again. */
  liveFrames(): Frame[] {
    return [...this.#frames.values()].filter((frame) => frame.seq !== ROOT);
  }

  /** Ends the run from outside, as its own timeout does. */
  failRun(error: WorkflowError, nowMs: number): MaybePromise<void> {
    this.#nowMs = nowMs;
    return this.#fail(this.#rootFrame(), error);
  }

  #settleCompleted(frame: Frame, output: JsonValue, order: number): MaybePromise<void> {
    if (isRetryFrame(frame)) {
      const owner = this.#parentOf(frame);
      this.#remove(frame);
      this.#report(frame, "completed", { endOrder: order });
      owner.attempt += 1;
      return this.#guard(owner, () => this.#enterList(owner, "body", owner.input));
    }
    return this.#guard(frame, () => this.#complete(frame, output, { order }));
  }

  // ---- starting tasks

  #startTask(
    parent: Frame,
    task: Task,
    input: JsonValue,
    place: { step: string; iteration?: number | undefined; attempt: number },
  ): MaybePromise<void> {
    const frame = this.#newFrame({
      seq: this.#nextSeq++,
      parent: parent.seq,
      reference: task.reference,
      attempt: place.attempt,
      iteration: place.iteration,
      path: `${parent.path}${place.step}/${task.name}`,
      rawInput: input,
      variables: parent.variables,
    });
    parent.children.push(frame.seq);
    return this.#guard(frame, () =>
      after(this.#evaluate(task.if, input, frame, true), (condition) => {
        if (condition === null || condition === false) {
          this.#remove(frame);
          this.#report(frame, "skipped", { output: input });
          return this.#childDone(parent, frame, input, undefined);
        }
        return this.#prepare(frame, task);
      }),
    );
  }

  #prepare(frame: Frame, task: Task): MaybePromise<void> {
    return after(this.#evaluate(task.inputFrom, frame.rawInput, frame), (input) => {
      frame.input = input;
      this.#checkSchema(task.inputSchema?.document, input, frame, "input");
      return after(this.#timeoutMs(task.timeout?.after, frame), (timeoutMs) => {
        if (timeoutMs !== undefined) {
          frame.timeoutAtMs = frame.startedAtMs + timeoutMs;
          this.#changes.deadlines.push({ seq: frame.seq, atMs: frame.timeoutAtMs });
        }
        return this.#execute(frame, task);
      });
    });
  }

  #timeoutMs(value: number | Template | undefined, frame: Frame): MaybePromise<number | undefined> {
    if (value === undefined || typeof value === "number") return value;
    return after(this.#evaluate(value, frame.input, frame), (duration) => {
      const ms = parseDuration(duration);
      if (ms === undefined)
        throw new WorkflowFault(
          workflowError("validation", `${JSON.stringify(duration)} is not a duration`, frame.reference),
        );
      return ms;
    });
  }

  #execute(frame: Frame, task: Task): MaybePromise<void> {
    switch (task.type) {
      case "set":
        return after(this.#evaluate(task.value, frame.input, frame), (value) => this.#complete(frame, value));
      case "do":
        return this.#enterList(frame, "body", frame.input);
      case "switch":
        return this.#switch(frame, task.cases);
      case "raise":
        return after(this.#evaluate(task.error, frame.input, frame), (error) => {
          throw new WorkflowFault({ ...(error as unknown as WorkflowError) });
        });
      case "for":
        return this.#startLoop(frame, task);
      case "fork":
        return this.#startFork(frame, task.branches);
      case "try":
        frame.try = { startedAtMs: frame.startedAtMs, caught: false };
        return this.#enterList(frame, "body", frame.input);
      case "call":
        return this.#requestCall(frame, task);
      case "wait":
        return after(this.#timeoutMs(task.duration, frame), (ms) =>
          this.#requestTimer(frame, frame.startedAtMs + (ms ?? 0)),
        );
      case "run":
        return after(this.#evaluate(task.input, frame.input, frame), (input) => {
          this.#report(frame, "waiting", {});
          this.#changes.steps.push({
            kind: "child",
            seq: frame.seq,
            reference: task.reference,
            idempotencyKey: keyOf(frame),
            input,
          });
        });
    }
  }

  #requestCall(frame: Frame, task: CallTask): MaybePromise<void> {
    return after(this.#evaluate(task.with, frame.input, frame), (argument) => {
      assert(isObject(argument), "the arguments of a call are an object");
      // What must not happen twice gets its row before it acts.
      this.#report(frame, "running", { input: argument }, this.#options.effectOf(task) === "once");
      this.#changes.steps.push({
        kind: "call",
        seq: frame.seq,
        reference: task.reference,
        idempotencyKey: keyOf(frame),
        arguments: task.call === "http" ? { ...argument, $input: frame.input } : argument,
      });
    });
  }

  #requestTimer(frame: Frame, dueAtMs: number): void {
    frame.dueAtMs = dueAtMs;
    this.#report(frame, "waiting", { details: { dueAt: new Date(dueAtMs).toISOString() } }, true);
    this.#changes.steps.push({ kind: "timer", seq: frame.seq, dueAtMs });
  }

  #switch(frame: Frame, cases: { when?: Template; then: string }[]): MaybePromise<void> {
    const [first, ...rest] = cases;
    if (first === undefined) return this.#complete(frame, frame.input);
    return after(this.#evaluate(first.when, frame.input, frame, true), (matches) =>
      matches === null || matches === false
        ? this.#switch(frame, rest)
        : this.#complete(frame, frame.input, { then: first.then }),
    );
  }

  // ---- lists

  #enterList(frame: Frame, list: "body" | "catch", input: JsonValue): MaybePromise<void> {
    frame.cursor = { list, step: 0, position: 0 };
    return this.#startAt(frame, 0, input);
  }

  #startAt(frame: Frame, position: number, input: JsonValue): MaybePromise<void> {
    const { cursor } = frame;
    assert(cursor !== undefined, "a list has a cursor");
    const task = this.#listOf(frame).tasks[position];
    if (task === undefined) return this.#listDone(frame, input);
    cursor.position = position;
    const iteration = frame.loop?.index ?? frame.iteration;
    const loop = frame.loop === undefined ? "" : `[${frame.loop.index}]`;
    const step = `${loop}${cursor.list === "catch" ? "!" : ""}.${cursor.step++}`;
    return this.#startTask(frame, task, input, {
      step,
      iteration,
      attempt: frame.try === undefined || cursor.list === "catch" ? 1 : frame.attempt,
    });
  }

  #listOf(frame: Frame): TaskList {
    if (frame.seq === ROOT) return this.#options.definition.body;
    const task = this.#taskOf(frame);
    if (task.type === "try" && frame.cursor?.list === "catch") {
      assert(task.catch.do !== undefined, "a catch that is walked has tasks");
      return task.catch.do;
    }
    assert(task.type === "do" || task.type === "for" || task.type === "try", `${task.type} holds a list`);
    return task.tasks;
  }

  #childDone(parent: Frame, child: Frame, output: JsonValue, then: string | undefined): MaybePromise<void> {
    if (then === "end") return this.#guard(this.#rootFrame(), () => this.#finish(output));
    if (parent.fork !== undefined) return this.#branchDone(parent, child, output);
    const position = parent.cursor?.position ?? 0;
    return this.#guard(parent, () => {
      if (then === "exit") return this.#listDone(parent, output);
      const target = then === undefined || then === "continue" ? position + 1 : this.#listOf(parent).indexOf.get(then);
      assert(target !== undefined, `the directive ${String(then)} was checked`);
      return this.#startAt(parent, target, output);
    });
  }

  #listDone(frame: Frame, output: JsonValue): MaybePromise<void> {
    if (frame.seq === ROOT) return this.#finish(output);
    const task = this.#taskOf(frame);
    if (task.type === "for") return this.#nextIteration(frame, task, output);
    const then = task.type === "try" && frame.try?.caught === true ? task.catch.then : undefined;
    return this.#complete(frame, output, then === undefined ? {} : { then });
  }

  #startLoop(frame: Frame, task: ForTask): MaybePromise<void> {
    return after(this.#evaluate(task.in, frame.input, frame), (items) => {
      if (!Array.isArray(items)) {
        const found = items === null ? "null" : typeof items;
        throw new WorkflowFault(
          workflowError("expression", `\`for.in\` must give a list, found ${found}`, frame.reference),
        );
      }
      frame.loop = { items, index: -1 };
      return this.#nextIteration(frame, task, frame.input);
    });
  }

  #nextIteration(frame: Frame, task: ForTask, value: JsonValue): MaybePromise<void> {
    const { loop } = frame;
    assert(loop !== undefined, "a loop has its items");
    loop.index += 1;
    if (loop.index >= loop.items.length) return this.#complete(frame, value);
    const outer = frame.seq === ROOT ? {} : this.#parentOf(frame).variables;
    frame.variables = { ...outer, [task.each]: loop.items[loop.index] ?? null, [task.at]: loop.index };
    return after(this.#evaluate(task.while, value, frame, true), (goOn) =>
      goOn === null || goOn === false ? this.#complete(frame, value) : this.#enterList(frame, "body", value),
    );
  }

  #startFork(frame: Frame, branches: TaskList): MaybePromise<void> {
    frame.fork = { outputs: branches.tasks.map(() => null), open: branches.tasks.length };
    let chain: MaybePromise<void> = undefined;
    branches.tasks.forEach((branch, index) => {
      chain = after(chain, () => {
        // A branch that ended at once may have decided the race or failed the fork.
        if (!this.#frames.has(frame.seq) || this.#changes.end !== undefined) return;
        return this.#startTask(frame, branch, frame.input, {
          step: `|${index}`,
          iteration: frame.iteration,
          attempt: 1,
        });
      });
    });
    return chain;
  }

  #branchDone(frame: Frame, child: Frame, output: JsonValue): MaybePromise<void> {
    const task = this.#taskOf(frame);
    const { fork } = frame;
    assert(task.type === "fork" && fork !== undefined, "branches belong to a fork");
    if (task.compete) {
      this.#stopChildren(frame);
      return this.#guard(frame, () => this.#complete(frame, output));
    }
    fork.outputs[task.branches.tasks.findIndex((branch) => branch.reference === child.reference)] = output;
    fork.open -= 1;
    return fork.open > 0 ? undefined : this.#guard(frame, () => this.#complete(frame, fork.outputs));
  }

  // ---- ends

  #complete(frame: Frame, rawOutput: JsonValue, how: { then?: string; order?: number } = {}): MaybePromise<void> {
    const task = this.#taskOf(frame);
    return after(this.#evaluate(task.outputAs, rawOutput, frame), (output) => {
      this.#checkSchema(task.outputSchema?.document, output, frame, "output");
      const exported =
        task.exportAs === undefined ? this.#context : this.#evaluate(task.exportAs, output, frame, false, { output });
      return after(exported, (context) => {
        if (task.exportAs !== undefined) this.#checkSchema(task.exportSchema?.document, context, frame, "context");
        this.#context = context;
        const parent = this.#parentOf(frame);
        this.#remove(frame);
        // A step's row keeps what came back, because that is what a replay feeds; a pure task's row keeps what it gave on.
        const isStep = how.order !== undefined;
        this.#report(frame, "completed", {
          output: isStep ? rawOutput : output,
          ...(isStep ? { endOrder: how.order } : {}),
        });
        return this.#childDone(parent, frame, output, how.then ?? task.then);
      });
    });
  }

  #fail(frame: Frame, error: WorkflowError, order?: number): MaybePromise<void> {
    if (frame.seq === ROOT) {
      this.#stopChildren(frame);
      this.#changes.end = { status: "faulted", error };
      return undefined;
    }
    const parent = this.#parentOf(frame);
    this.#stopChildren(frame);
    this.#remove(frame);
    this.#report(frame, "faulted", { error, ...(order === undefined ? {} : { endOrder: order }) });
    if (parent.try !== undefined && parent.cursor?.list === "body")
      return this.#guard(parent, () => this.#catch(parent, error));
    return this.#fail(parent, error);
  }

  #catch(frame: Frame, error: WorkflowError): MaybePromise<void> {
    const task = this.#taskOf(frame) as TryTask;
    assert(frame.try !== undefined, "only a try catches");
    const clause = task.catch;
    const scope = { [clause.as]: error as unknown as JsonValue };
    const evaluate = (template: Template | undefined, whenMissing: boolean): MaybePromise<JsonValue> =>
      template === undefined ? whenMissing : this.#evaluate(template, frame.input, frame, false, scope);
    const decision = catchError({
      error,
      clause,
      attempt: frame.attempt,
      elapsedMs: this.#nowMs - frame.try.startedAtMs,
      evaluate,
      random: this.#options.random,
    });
    return after(decision, (decided) => {
      switch (decided.kind) {
        case "pass":
          return this.#fail(frame, error);
        case "retry":
          return this.#delayRetry(frame, error, decided.delayMs);
        case "handle":
          frame.variables = { ...frame.variables, ...scope };
          if (frame.try !== undefined) frame.try.caught = true;
          if (clause.do === undefined)
            return this.#complete(frame, frame.input, clause.then === undefined ? {} : { then: clause.then });
          return this.#enterList(frame, "catch", frame.input);
      }
    });
  }

  /** The delay before a retry is a task of its own in the run: it shows, and it survives a crash. */
  #delayRetry(owner: Frame, error: WorkflowError, delayMs: number): void {
    const frame = this.#newFrame({
      seq: this.#nextSeq++,
      parent: owner.seq,
      reference: `${owner.reference}/catch/retry`,
      attempt: owner.attempt,
      iteration: owner.iteration,
      path: `${owner.path}/retry${owner.attempt}`,
      rawInput: null,
      variables: owner.variables,
    });
    owner.children.push(frame.seq);
    frame.dueAtMs = this.#nowMs + delayMs;
    const details = {
      dueAt: new Date(frame.dueAtMs).toISOString(),
      because: error.detail ?? error.title ?? error.type,
    };
    this.#report(frame, "waiting", { details }, true);
    this.#changes.steps.push({ kind: "timer", seq: frame.seq, dueAtMs: frame.dueAtMs });
  }

  #finish(output: JsonValue): MaybePromise<void> {
    const { definition } = this.#options;
    const root = this.#rootFrame();
    this.#stopChildren(root);
    return after(this.#evaluate(definition.outputAs, output, root), (transformed) => {
      this.#checkSchema(definition.outputSchema?.document, transformed, root, "output");
      this.#changes.end = { status: "completed", output: transformed };
    });
  }

  // ---- frames

  #newFrame(
    fields: Pick<Frame, "seq" | "parent" | "reference" | "attempt" | "path" | "rawInput" | "variables"> & {
      iteration?: number | undefined;
    },
  ): Frame {
    const frame: Frame = {
      ...fields,
      iteration: fields.iteration,
      children: [],
      input: fields.rawInput,
      startedAtMs: this.#nowMs,
    };
    this.#frames.set(frame.seq, frame);
    return frame;
  }

  #remove(frame: Frame): void {
    this.#frames.delete(frame.seq);
    const parent = frame.parent === undefined ? undefined : this.#frames.get(frame.parent);
    if (parent !== undefined) parent.children = parent.children.filter((seq) => seq !== frame.seq);
  }

  /** Ends everything below a frame, deepest first. */
  #stopChildren(frame: Frame): void {
    for (const seq of frame.children) {
      const child = this.#frames.get(seq);
      if (child === undefined) continue;
      this.#stopChildren(child);
      this.#frames.delete(seq);
      this.#changes.stopped.push(seq);
      this.#report(child, "cancelled", {});
    }
    frame.children = [];
  }

  #parentOf(frame: Frame): Frame {
    const parent = frame.parent === undefined ? undefined : this.#frames.get(frame.parent);
    assert(parent !== undefined, `frame ${frame.seq} has a live parent`);
    return parent;
  }

  #rootFrame(): Frame {
    const root = this.#frames.get(ROOT);
    assert(root !== undefined, "the run has begun");
    return root;
  }

  #taskOf(frame: Frame): Task {
    const task = this.#options.definition.tasksByReference.get(frame.reference);
    assert(task !== undefined, `${frame.reference} is a task`);
    return task;
  }

  // ---- evaluation and reports

  /** Runs a part of the machine for a frame; what it throws faults that frame. */
  #guard(frame: Frame, part: () => MaybePromise<void>): MaybePromise<void> {
    const fault = (error: unknown): MaybePromise<void> => this.#fail(frame, toWorkflowError(error, frame.reference));
    try {
      const done = part();
      return done instanceof Promise ? done.catch(fault) : done;
    } catch (error) {
      return fault(error);
    }
  }

  /** The value of a template; without one, the input itself, or true for conditions. */
  #evaluate(
    template: Template | undefined,
    input: JsonValue,
    frame: Frame,
    isCondition = false,
    extra: Record<string, JsonValue> = {},
  ): MaybePromise<JsonValue> {
    if (template === undefined) return isCondition ? true : input;
    const scope = scopeFor(template, () => ({ ...this.#variables(frame), ...extra }));
    return this.#options.evaluator.evaluateTemplate(template, input, scope);
  }

  #variables(frame: Frame): Record<string, JsonValue> {
    const { definition, runId } = this.#options;
    const task = definition.tasksByReference.get(frame.reference);
    return {
      ...frame.variables,
      context: this.#context,
      input: frame.input,
      task: task === undefined ? null : { name: task.name, reference: task.reference, input: frame.rawInput },
      workflow: {
        id: runId,
        definition: definition.document,
        input: this.#runInput,
        startedAt: {
          iso8601: new Date(this.#startedAtMs).toISOString(),
          epoch: { milliseconds: this.#startedAtMs, seconds: Math.floor(this.#startedAtMs / 1000) },
        },
      },
      runtime: { name: "LogoMesh", version: "0.1.0", metadata: {} },
    };
  }

  #checkSchema(schema: JsonObject | undefined, value: JsonValue, frame: Frame, what: string): void {
    if (schema === undefined) return;
    const problems = this.#options.schemas.check(schema, value);
    if (problems.length === 0) return;
    const [first] = problems;
    throw validationFault(
      `the ${what} does not fit its schema: ${first?.pointer ?? ""} ${first?.message ?? ""}`,
      frame.reference,
      problems,
    );
  }

  #report(frame: Frame, status: TaskStatus, fields: Partial<TaskRow>, durable = false): void {
    const task = this.#options.definition.tasksByReference.get(frame.reference);
    const isRetry = isRetryFrame(frame);
    const ended = !["running", "waiting"].includes(status);
    const row: TaskRow = {
      seq: frame.seq,
      reference: frame.reference,
      name: task?.name ?? "retry",
      type: isRetry ? "retry" : (task?.type ?? "do"),
      attempt: frame.attempt,
      status,
      effect: task?.type === "call" ? this.#options.effectOf(task) : "pure",
      startedAtMs: frame.startedAtMs,
      input: frame.input,
      ...fields,
    };
    if (task?.type === "call") row.call = task.call;
    if (frame.parent !== undefined && frame.parent !== ROOT) row.parentSeq = frame.parent;
    if (frame.iteration !== undefined) row.iteration = frame.iteration;
    if (ended) row.endedAtMs = this.#nowMs;
    (ended || durable ? this.#changes.rows : this.#changes.live).push(row);
  }
}

function noChanges(): Changes {
  return { rows: [], live: [], deadlines: [], steps: [], stopped: [], end: undefined };
}

function isRetryFrame(frame: Frame): boolean {
  return frame.reference.endsWith("/catch/retry");
}

/** The same for every try of one step, whatever happened to the process or to the attempt before. */
function keyOf(frame: Frame): string {
  return sha256Hex(frame.path).slice(0, 32);
}
