import { fork, type ChildProcess } from "node:child_process";
import { LogoMeshError, type Problem } from "@logomesh/contracts/errors";
import { assert, toProblem } from "../base/index.ts";
import { mapSqliteError } from "./sqliteErrors.ts";

// A computation over the whole file runs in a process of its own, which ends with it: damage that brings SQLite down stays there, it can be
// stopped in the middle of a statement, and its memory goes back to the system, which that of a thread does not.

/** A long read-only computation by name; opens its own connection. */
type Job = (params: never) => unknown;
export type Jobs = Readonly<Record<string, Job>>;

interface Request {
  name: string;
  params: unknown;
}
type Answer = { ok: true; value: unknown } | { ok: false; problem: Problem };

/** Runs jobs; disposing it kills those that run and waits until they are gone. */
export interface JobRunner extends AsyncDisposable {
  /** Resolves when the process has ended. @throws LogoMeshError of the job, LM_DB_FAILED when there is no answer */
  run(name: string, params: unknown): Promise<unknown>;
  isClosed(): boolean;
}

/** @param entry module that calls `serveJob` */
export function createJobRunner(entry: URL): JobRunner {
  const running = new Map<ChildProcess, Promise<unknown>>();
  let closed = false;
  return {
    isClosed: () => closed,
    async run(name, params) {
      if (closed) throw new LogoMeshError("LM_DB_FAILED", "The database is closed.");
      const child = fork(entry, {
        ...{ execArgv: [], serialization: "advanced" },
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      const answer = ask(child, { name, params });
      running.set(child, answer);
      try {
        return await answer;
      } finally {
        running.delete(child);
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const child of running.keys()) child.kill("SIGKILL");
      await Promise.allSettled(running.values());
    },
  };
}

/** Resolves when the process has ended. */
async function ask(child: ChildProcess, request: Request): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>();
  let answer: Answer | undefined;
  child.once("message", (message) => (answer = message as Answer));
  // Comes after the last message, unlike `exit`.
  child.once("close", () => resolve(answer));
  child.on("error", (error) => {
    if (child.pid === undefined) reject(error);
  });
  child.send(request);
  const { name } = request;
  const given = await promise;
  if (given === undefined) throw new LogoMeshError("LM_DB_FAILED", `The process for ${name} ended without an answer.`);
  if (!given.ok) throw LogoMeshError.fromProblem(given.problem);
  return given.value;
}

/** The part of `process` that a job's process uses. */
export interface JobChannel {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  once(event: "message", listener: (request: Request) => void): unknown;
  send?(answer: Answer, sent: () => void): unknown;
  disconnect?(): void;
}

/** The body of a job's process: does what the first message asks for and ends. */
export function serveJob(jobs: Jobs, channel: JobChannel): void {
  // Ctrl-C in a terminal reaches this process too; when it is to stop, the workbench kills it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) channel.on(signal, () => undefined);
  channel.once(
    "message",
    (request) =>
      void answer(jobs, request).then((answer) => {
        channel.send?.(answer, () => channel.disconnect?.());
      }),
  );
}

async function answer(jobs: Jobs, { name, params }: Request): Promise<Answer> {
  try {
    const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
    assert(job !== undefined, `No job is called ${name}`);
    return { ok: true, value: await job(params as never) };
  } catch (error) {
    return { ok: false, problem: toProblem(mapSqliteError(error, "The read failed")) };
  }
}
