import type { JsonObject, Run, RunTaskSummary, ServerMessage, ToolProgress } from "@logomesh/contracts";
import { expect, test, vi } from "vitest";
import { createStubWorkbench, type StubSocket } from "../testing/stubWorkbench.ts";
import { runCli, running, startable } from "../testing/runCli.ts";

const AT = "2026-01-01T00:00:00.000Z";
const RUN: Run = {
  id: "run_1",
  workflow: { namespace: "default", name: "digest", version: "1.0.0", hash: "ab" },
  status: "completed",
  output: { summary: "done" },
  createdAt: AT,
  startedAt: AT,
  endedAt: "2026-01-01T00:00:00.250Z",
  recoveries: 0,
};
const TASK: RunTaskSummary = {
  ...{ seq: 0, reference: "/do/0/ask", name: "ask", type: "call", call: "llm" },
  ...{ attempt: 1, status: "running", effect: "idempotent" },
};
const DEFINITION: JsonObject = {
  do: [{ ask: { call: "llm" } }, { keep: { fork: { branches: [{ a: { set: {} } }] } } }],
};
const ENDED: ServerMessage = {
  type: "event",
  event: {
    ...{ id: 9, runId: "run_1", seq: 9, time: AT, data: {} },
    type: "io.serverlessworkflow.workflow.completed.v1",
  },
};

function task(change: Partial<RunTaskSummary>): ServerMessage {
  return { type: "task", runId: "run_1", task: { ...TASK, ...change } };
}

function stub(onConnect: (socket: StubSocket) => void, run: Run = RUN) {
  return createStubWorkbench(
    {
      startRun: () => ({ ...run, status: "running" }),
      getRun: () => run,
      getRunDefinition: () => ({ source: "", definition: DEFINITION }),
      getModels: () => ({ models: [], providers: [], aliases: {}, hint: "ollama pull qwen3:4b" }),
    },
    { onConnect },
  );
}

function say(...messages: ServerMessage[]): (socket: StubSocket) => void {
  return ({ send }) => {
    send({ type: "snapshot", position: 1, tasks: [] });
    messages.forEach(send);
    send(ENDED);
  };
}

test("a terminal gets a bar of the definition's tasks with names and the model's text, and a line for each task that ends", async () => {
  const workbench = stub(
    say(
      task({}),
      { type: "token", runId: "run_1", taskSeq: 0, delta: "Once upon\na " },
      { type: "token", runId: "run_1", taskSeq: 0, delta: "time" },
      task({ status: "completed", details: { model: "mock", simulated: true } }),
    ),
  );
  const { code, out, err } = await runCli(["run", "digest", "--watch"], {
    ...{ workbenches: running(workbench), isTTY: true, columns: 70 },
  });
  expect(code).toBe(0);
  expect(err).toContain("░░░░ 0/3 ask");
  expect(err).toContain("Once upon a time");
  expect(err).toContain("✓ completed\u001b[0m ask\u001b[2m llm mock\u001b[0m\u001b[33m simulated");
  expect(err).toContain("██████░░░░░░░░░░░░░░ 1/3");
  // The bar is gone at the end.
  expect(err.endsWith("\r\u001b[2K")).toBe(true);
  expect(out).toContain("summary: done");
});

test("a terminal shows how far a plugin's tool is", async () => {
  const progress = (told: ToolProgress): ServerMessage => ({
    type: "progress",
    runId: "run_1",
    taskSeq: 0,
    progress: told,
  });
  const workbench = stub(
    say(task({}), progress({ progress: 1 / 3, total: 4, message: "reading\u001b[2J" }), progress({ progress: 1e300 })),
  );
  const { err } = await runCli(["run", "digest", "--watch"], {
    ...{ workbenches: running(workbench), isTTY: true, columns: 70 },
  });
  expect(err).toContain("0.33/4 reading");
  expect(err).toContain("1.00e+300");
  expect(err).not.toContain("\u001b[2J");
});

test("without a terminal there are lines only, and no colours", async () => {
  const { err } = await runCli(["run", "digest", "--watch"], {
    workbenches: running(stub(say(task({}), task({ status: "completed" })))),
  });
  expect(err).toBe("✓ completed ask llm\n");
});

test("the bar never takes more than one line of the terminal", async () => {
  const long = { name: "n".repeat(200) };
  const tokens: ServerMessage = { type: "token", runId: "run_1", taskSeq: 0, delta: "漢".repeat(300) };
  for (const change of [long, {}]) {
    const { err } = await runCli(["run", "digest", "--watch"], {
      ...{ workbenches: running(stub(say(task(change), tokens))), isTTY: true, columns: 60, env: { NO_COLOR: "1" } },
    });
    const bars = err.split("\r\u001b[2K").filter((part) => part.includes("░"));
    expect(bars.length).toBeGreaterThan(1);
    for (const bar of bars) expect(bar.replaceAll("漢", "xx").length).toBeLessThan(60);
  }
});

test("names, errors and text of models cannot write to the terminal", async () => {
  const evil = "\u001b[2Jx\n✓ completed fake";
  const messages = [
    task({ name: evil }),
    { type: "token", runId: "run_1", taskSeq: 0, delta: evil } as const,
    task({ name: evil, status: "faulted", details: { model: evil }, error: { type: "t", status: 500, detail: evil } }),
  ];
  const run: Run = { ...RUN, status: "faulted", output: evil, error: { type: "t", status: 500, detail: evil } };
  const { code, out, err } = await runCli(["run", "digest", "--watch"], {
    ...{ workbenches: running(stub(say(...messages), run)), isTTY: true, env: { NO_COLOR: "1" } },
  });
  expect(code).toBe(1);
  expect(out).not.toContain("\u001b");
  expect(err.replaceAll("\r\u001b[2K", "")).not.toContain("\u001b");
  expect(err).toContain("✗ faulted ␛[2Jx␊✓ completed fake");
});

test("another attempt is shown when it begins", async () => {
  const { err } = await runCli(["run", "digest", "--watch"], {
    workbenches: running(stub(say(task({}), task({ attempt: 2 }), task({ attempt: 2, status: "completed" })))),
  });
  expect(err).toBe("◷ waiting ask llm attempt 2\n✓ completed ask llm attempt 2\n");
});

test("the mock is named with the line that replaces it", async () => {
  const { out } = await runCli(["run", "digest"], {
    workbenches: running(stub(say(), { ...RUN, simulated: true })),
  });
  expect(out).toContain("! mock: no real model answered this run.\n  ollama pull qwen3:4b");
});

test("a run that waits for a person ends the watch and says how to go on", async () => {
  const suspended: Run = { ...RUN, status: "suspended", statusReason: "A step may have acted.", recoveries: 1 };
  const workbench = stub(({ send }) => send({ type: "snapshot", position: 1, run: suspended, tasks: [] }), suspended);
  const { code, out } = await runCli(["runs", "watch", "run_1"], { workbenches: running(workbench) });
  expect(code).toBe(1);
  expect(out).toContain("‖ suspended");
  expect(out).toContain("A step may have acted.");
  expect(out).toContain("taken up once");
});

test("a lost connection is said once, and the run is followed from where it was", async () => {
  const urls: string[] = [];
  const workbench = stub((socket) => {
    urls.push(socket.url);
    if (urls.length === 1) socket.send({ type: "snapshot", position: 4, tasks: [] });
    if (urls.length < 3) return socket.drop();
    say()(socket);
  });
  const { code, err } = await runCli(["runs", "watch", "run_1"], { workbenches: running(workbench) });
  expect(code).toBe(0);
  expect(err).toMatch(/^The workbench does not answer; trying again\. .*\nThe workbench is back\.\n$/);
  expect(urls.map((url) => new URL(url).searchParams.get("after"))).toEqual([null, "4", "4"]);
});

test.each([[["run", "digest", "--watch"]], [["runs", "watch", "run_1", "--json"]]])(
  "%j gives up when the workbench stays away for a minute",
  async (argv) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { code, err } = await runCli(argv, {
        workbenches: running(stub((socket) => socket.drop())),
        onErr: (shown) => shown.includes("trying again") && vi.advanceTimersByTime(60_000),
      });
      expect(code).toBe(69);
      expect(err).toContain("the run goes on: logomesh runs watch run_1");
    } finally {
      vi.useRealTimers();
    }
  },
);

test.each([
  [["run", "digest", "--watch"], "Left. The run run_1 goes on: logomesh runs watch run_1"],
  [["runs", "watch", "run_1"], "Left. The run run_1 goes on."],
])("Ctrl-C during %j leaves the run and exits with 130", async (argv, note) => {
  const interrupt = new AbortController();
  const workbench = stub(() => interrupt.abort());
  const { code, out, err } = await runCli(argv, { workbenches: running(workbench), signal: interrupt.signal });
  expect({ code, out }).toEqual({ code: 130, out: "" });
  expect(err).toContain(note);
  expect(workbench.requests.filter((request) => request.includes("cancel"))).toEqual([]);
});

test("a free workspace gets a workbench for the run, reachable from this machine only, which ends with it", async () => {
  const { workbenches, log } = startable(stub(say()));
  expect((await runCli(["run", "digest"], { workbenches })).code).toBe(0);
  expect(log).toEqual(['started {"host":"127.0.0.1","port":0}', "stopped"]);
});

test("Ctrl-C ends the run's own workbench too, and says when the run goes on", async () => {
  const interrupt = new AbortController();
  const { workbenches, log } = startable(stub(() => interrupt.abort()));
  const { code, err } = await runCli(["run", "digest"], { workbenches, signal: interrupt.signal });
  expect({ code, last: log.at(-1) }).toEqual({ code: 130, last: "stopped" });
  expect(err).toContain("goes on where it was at the next: logomesh start");
});
