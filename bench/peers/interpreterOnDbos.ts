// A spike for docs/decisions/0037: the interpreter of core/workflows, unchanged, driven by DBOS Transact on PostgreSQL. Three workflows
// (a loop, branches whose steps end in any order, a retry with a durable pause) run once undisturbed and once through a process that is
// killed again and again while it works. Both must give the same outputs. A step may be performed
// again when it was killed before its row was written, and never afterwards.
// Run it with: node bench/peers/interpreterOnDbos.ts
import { fork } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { ExpressionEvaluator } from "../../core/workflows/expressions/index.ts";
import { Machine, SchemaValidator, drive, type MachineEvent } from "../../core/workflows/interpreter/index.ts";
import { parseWorkflow } from "../../core/workflows/language/index.ts";
import { startPostgres } from "./postgres.ts";

const HEAD = 'document: { dsl: "1.0.3", namespace: spike, name: spike, version: "1.0.0" }\n';
const call = (tool: string, args: string): string =>
  `{ call: plugin, with: { plugin: s, tool: ${tool}, arguments: ${args} } }`;
const SOURCES: Record<string, string> = {
  loop: `${HEAD}do:
  - sum:
      for: { each: n, in: "\${ [range(40)] }" }
      do:
        - add: ${call("add", '{ sum: "${ .sum // 0 }", n: "${ $n }" }')}
`,
  branches: `${HEAD}do:
  - both:
      fork:
        branches:
${[1, 2, 3, 4, 5]
  .map(
    (branch) => `          - b${branch}:
              do:
                - pause: { wait: { milliseconds: ${branch * 70} } }
                - first: ${call("add", `{ sum: ${branch}, n: 10 }`)}
                - second: ${call("add", '{ sum: "${ .sum }", n: 100 }')}`,
  )
  .join("\n")}
`,
  retry: `${HEAD}do:
  - again:
      try:
        - flaky: ${call("flaky", "{}")}
      catch:
        retry: { delay: { milliseconds: 120 }, backoff: { linear: {} }, limit: { attempt: { count: 8 } } }
`,
};
/** Of a step, so that kills hit some of them. */
const STEP_MS = 15;
const FLAKY_FAILS = 4;
const KILLS = 12;
/** Further steps after which the process is killed. */
const STEPS_PER_LIFE = 4;

type Outcome = Extract<MachineEvent, { kind: "effect" }>["outcome"];
interface Recorded {
  seq: number;
  atMs: number;
  outcome?: Outcome;
}

/** Performs a step outside the database and leaves a trace of it, as a counting server would. */
async function perform(trace: string, step: { path: string; attempt: number; args: unknown }): Promise<Outcome> {
  const { tool, arguments: args } = step.args as { tool: string; arguments: { sum: number; n: number } };
  await sleep(STEP_MS);
  appendFileSync(trace, `${DBOS.workflowID} ${step.path} ${step.attempt}\n`);
  if (tool === "flaky") {
    if (step.attempt <= FLAKY_FAILS) return { ok: false, error: { type: "spike:flaky", status: 503 } };
    return { ok: true, output: { attempts: step.attempt } };
  }
  return { ok: true, output: { sum: args.sum + args.n } };
}

async function interpret(name: string, trace: string): Promise<unknown> {
  const { definition } = parseWorkflow(SOURCES[name] ?? "");
  if (definition === undefined) throw new Error(`${name} is no workflow`);
  using evaluator = new ExpressionEvaluator();
  const machine = new Machine({
    ...{ definition, evaluator, schemas: new SchemaValidator(), input: {} },
    // What the interpreter is told is recorded: the same after every recovery.
    ...{ runId: DBOS.workflowID ?? "", startedAtMs: await DBOS.now() },
    runtime: { name: "LogoMesh on DBOS", version: "0" },
    effectOf: () => "idempotent",
  });
  // DBOS numbers its operations in the order in which they are begun, which is the interpreter's order and so the same on each recovery.
  const outstanding = new Map<string, Promise<Recorded>>();
  await drive(machine.start());
  for (;;) {
    const step = machine.takeTransition();
    if (step.ended !== undefined) return step.ended;
    for (const { seq, path, attempt, locals } of step.launched) {
      const args = locals.kind === "effect" ? locals.arguments : null;
      const act = async (): Promise<Recorded> => ({
        seq,
        outcome: await perform(trace, { path, attempt, args }),
        atMs: Date.now(),
      });
      outstanding.set(`effect:${seq}`, DBOS.runStep(act, { name: path }));
    }
    for (const { kind, seq, dueAtMs, armedAtMs } of step.armed) {
      const key = `${kind === "timeout" ? "timeout" : "timer"}:${seq}`;
      const due = DBOS.sleep(dueAtMs - armedAtMs).then((): Recorded => ({ seq, atMs: dueAtMs }));
      outstanding.set(key, due);
    }
    for (const seq of step.abandoned) outstanding.delete(`effect:${seq}`);
    for (const key of step.disarmed) outstanding.delete(key);
    // Which of several ended first is not in DBOS's rows: it is a step of its own, and only where there is a choice.
    const [only] = outstanding.keys();
    const first = (): Promise<string> => Promise.race([...outstanding].map(([key, ended]) => ended.then(() => key)));
    const key = outstanding.size === 1 ? (only ?? "") : await DBOS.runStep(first, { name: "order" });
    const { seq, atMs, outcome } = (await outstanding.get(key)) as Recorded;
    outstanding.delete(key);
    const kind = key.slice(0, key.indexOf(":"));
    await drive(
      machine.apply(
        outcome === undefined
          ? { kind: kind as "timer" | "timeout", seq, atMs }
          : { kind: "effect", seq, atMs, outcome },
      ),
    );
  }
}

/** The killable part: takes up what is there, starts what is not, and says when all have ended. */
async function work(url: string, trace: string): Promise<void> {
  DBOS.setConfig({ name: "spike", systemDatabaseUrl: url, logLevel: "error" });
  const workflow = DBOS.registerWorkflow(interpret, { name: "interpret" });
  await DBOS.launch();
  const ids = Object.keys(SOURCES).map((name) => ({ name, workflowID: `run-${name}` }));
  const ends = ids.map(async ({ name, workflowID }) => {
    if ((await DBOS.getWorkflowStatus(workflowID)) === null)
      await DBOS.startWorkflow(workflow, { workflowID })(name, trace);
    return [name, await DBOS.retrieveWorkflow(workflowID).getResult({ pollingIntervalMs: 50 })];
  });
  process.send?.({ ends: Object.fromEntries(await Promise.all(ends)) });
  await DBOS.shutdown();
}

async function runAll(kills: number): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "dbos-spike-"));
  chmodSync(folder, 0o755);
  const trace = join(folder, "trace");
  try {
    await using postgres = await startPostgres(folder);
    const linesOf = (): string[] => (existsSync(trace) ? readFileSync(trace, "utf8").trim().split("\n") : []);
    const atKill: number[] = [];
    for (;;) {
      const child = fork(import.meta.filename, ["work", postgres.url, trace], {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
        execArgv: ["--no-deprecation"],
      });
      let answer: { ends: unknown } | undefined;
      const doomed = (atKill.at(-1) ?? 0) + STEPS_PER_LIFE;
      const killer = setInterval(() => {
        if (atKill.length < kills && linesOf().length >= doomed) child.kill("SIGKILL");
      }, 2);
      child.on("message", (message) => {
        answer = message as { ends: unknown };
      });
      const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
      clearInterval(killer);
      const lines = linesOf();
      if (answer !== undefined) {
        console.log(
          `${atKill.length} kills (after ${atKill.join(", ") || "no"} steps), ${lines.length} performed, ${new Set(lines).size} different`,
        );
        return answer.ends;
      }
      if (code !== null || atKill.length >= kills) throw new Error("The workflows did not end.");
      atKill.push(lines.length);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [what, url = "", trace = ""] = process.argv.slice(2);
if (what === "work") await work(url, trace);
else {
  const calm = await runAll(0);
  const killed = await runAll(KILLS);
  const isSame = JSON.stringify(calm) === JSON.stringify(killed);
  console.log(JSON.stringify(calm));
  console.log(`Outputs after kills are ${isSame ? "the same" : "DIFFERENT"}.`);
  process.exitCode = isSame ? 0 : 1;
}
