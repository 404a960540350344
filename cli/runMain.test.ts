import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { runMain } from "./runMain.ts";

/** A process that notes what it is asked to do and does not end by it. */
function createProcess(argv: string[]) {
  const stdout = new PassThrough();
  const exits: number[] = [];
  const self = Object.assign(new EventEmitter(), {
    ...{ argv: ["node", "logomesh", ...argv], env: {}, cwd: () => "/nowhere", exitCode: undefined },
    ...{ stdout, stderr: new PassThrough(), stdin: PassThrough.from([]) },
    exit: (code: number) => void exits.push(code),
  });
  return { self, stdout, exits, run: () => runMain(self as unknown as NodeJS.Process) };
}

test("the exit code of the command is that of the process", async () => {
  const { self, stdout, run } = createProcess(["--help"]);
  await run();
  expect(self.exitCode).toBe(0);
  expect(String(stdout.read())).toContain("logomesh");
  const wrong = createProcess(["nonsense"]);
  await wrong.run();
  expect(wrong.self.exitCode).toBe(2);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
])("a second %s ends the process at once, and so does the time limit of a stop", async (signal, code) => {
  vi.useFakeTimers();
  try {
    const { self, exits, run } = createProcess(["--help"]);
    await run();
    self.emit(signal);
    // The same one, passed on by npm.
    self.emit(signal);
    expect(exits).toEqual([]);
    vi.advanceTimersByTime(1_000);
    self.emit(signal);
    expect(exits).toEqual([code]);
    vi.advanceTimersByTime(4_000);
    expect(exits).toEqual([code, code]);
  } finally {
    vi.useRealTimers();
  }
});

test("a reader that went away ends the process quietly; another fault of the output does not pass", async () => {
  const { stdout, exits, run } = createProcess(["--help"]);
  await run();
  stdout.emit("error", Object.assign(new Error("closed"), { code: "EPIPE" }));
  expect(exits).toEqual([0]);
  expect(() => stdout.emit("error", new Error("disk full"))).toThrow("disk full");
});
