/** What the fake workbench knows: runs and their tasks, plugins, entries; and the scripted run that it plays. */
import { FakeConstitution } from "./constitutionFixture.ts";
import type {
  ApprovalDetail,
  AuditEntry,
  Plugin,
  Run,
  RunTask,
  ServerMessage,
  Lockdown,
  SystemStatus,
  WorkflowDetail,
} from "@logomesh/contracts";
import { approvalFixtures } from "./approvalFixtures.ts";
import { ago, auditFixture, pluginFixtures, runFixture, statusFixture, workflowFixture } from "./fixtures.ts";
import { OUTPUT, STAGES, taskOf, tasksUpTo } from "./scriptedRun.ts";

const RUNS = 230;
const ENTRIES = 128;

export class FakeWorld {
  status: SystemStatus = statusFixture();
  lockdown: Lockdown = { on: false };
  workflows: WorkflowDetail[] = [workflowFixture()];
  /** Versions that are not the newest. */
  olderVersions: WorkflowDetail[] = [];
  plugins: Plugin[] = pluginFixtures();
  runs: Run[] = Array.from({ length: RUNS }, (_, index) => runOf(index));
  approvals: ApprovalDetail[] = approvalFixtures();
  entries: AuditEntry[] = Array.from({ length: ENTRIES }, (_, index) => auditFixture(ENTRIES - 1 - index));
  /** How long each stage of a started run takes. */
  stageMs = 250;
  readonly constitution = new FakeConstitution();
  position = 1000;
  readonly #tasks = new Map<string, RunTask[]>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #held: { reference: string; released: Promise<unknown> } | undefined;
  readonly #send: (message: ServerMessage) => void;

  constructor(send: (message: ServerMessage) => void) {
    this.#send = send;
  }

  /** A workspace in which nothing has happened. */
  empty(): void {
    this.runs = [];
    this.workflows = [];
    this.plugins = [];
    this.entries = [];
    this.approvals = [];
  }

  tasksOf(run: Run): RunTask[] {
    return this.#tasks.get(run.id) ?? tasksUpTo(run.status === "completed" ? STAGES.length : 3);
  }

  start(input: Run["input"]): Run {
    const { endedAt: _endedAt, error: _error, ...base } = runOf(0);
    const run: Run = {
      ...base,
      id: `run_01m8714xs0${String(this.runs.length).padStart(16, "0")}`,
      status: "running",
      createdAt: ago(0),
      startedAt: ago(0),
      simulated: false,
      startedBy: "web",
      recoveries: 0,
      ...(input === undefined ? {} : { input }),
    };
    this.runs.unshift(run);
    this.#tasks.set(run.id, []);
    this.#tell(run, "io.serverlessworkflow.workflow.started.v1");
    this.#later(() => this.#stage(run.id, 0));
    return run;
  }

  storeVersion(stored: WorkflowDetail): void {
    const isSame = ({ name }: WorkflowDetail): boolean => name === stored.name;
    this.olderVersions.push(...this.workflows.filter(isSame));
    this.workflows = [stored, ...this.workflows.filter((known) => !isSame(known))];
  }

  changeApproval(approvalId: string, change: Partial<ApprovalDetail>): ApprovalDetail {
    const index = this.approvals.findIndex(({ id }) => id === approvalId);
    const changed = { ...this.approvals[index], ...change } as ApprovalDetail;
    this.approvals[index] = changed;
    const { payload: _payload, outcome: _outcome, isUndoable: _isUndoable, ...approval } = changed;
    const pending = this.approvals.filter(({ status }) => status === "pending").length;
    this.#send({ type: "approval", approval, pending });
    return changed;
  }

  change(runId: string, change: Partial<Run>): Run {
    const index = this.runs.findIndex(({ id }) => id === runId);
    const run = { ...this.runs[index], ...change } as Run;
    this.runs[index] = run;
    this.#tell(run, "io.serverlessworkflow.workflow.changed.v1");
    return run;
  }

  /** Keeps the task with this reference running until the returned function is called, however long the page takes to show it. */
  hold(reference: string): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#held = { reference, released: promise };
    return () => resolve(undefined);
  }

  stop(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
  }

  #stage(runId: string, stage: number): void {
    const tasks = this.#tasks.get(runId);
    const run = this.runs.find(({ id }) => id === runId);
    if (tasks === undefined || run?.status !== "running") return;
    const steps = STAGES[stage];
    if (steps === undefined) {
      this.change(runId, { status: "completed", endedAt: ago(0), output: OUTPUT, simulated: true });
      return;
    }
    const first = tasks.length + 1;
    steps.forEach((step, index) => this.#put(runId, taskOf(step, { seq: first + index, status: "running" })));
    const end = (): void => {
      steps.forEach((step, index) => this.#put(runId, taskOf(step, { seq: first + index, status: "completed" })));
      this.#stage(runId, stage + 1);
    };
    const held = this.#held;
    if (held !== undefined && steps.some(({ reference }) => reference === held.reference)) void held.released.then(end);
    else this.#later(end);
  }

  #put(runId: string, task: RunTask): void {
    const tasks = this.#tasks.get(runId) ?? [];
    this.#tasks.set(
      runId,
      [...tasks.filter(({ seq }) => seq !== task.seq), task].sort((a, b) => a.seq - b.seq),
    );
    const { input: _input, output: _output, ...summary } = task;
    this.#send({ type: "task", runId, task: summary });
  }

  #tell(run: Run, type: string): void {
    this.position += 1;
    const { input: _input, output: _output, ...summary } = run;
    const event = { id: this.position, runId: run.id, seq: 1, type, time: ago(0), data: {} };
    this.#send({ type: "event", event, run: summary });
  }

  #later(act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, this.stageMs);
    this.#timers.add(timer);
  }
}

function runOf(index: number): Run {
  const run = runFixture(index);
  return {
    ...run,
    input: { name: "walden.md", text: "I went to the woods." },
    ...(run.status === "completed" ? { output: OUTPUT } : {}),
  };
}
