import { PassThrough } from "node:stream";
import type { Connection, StartedWorkbench, Workbenches } from "../context.ts";
import { main } from "../main.ts";

export interface CliResult {
  code: number;
  out: string;
  err: string;
}

export interface RunCliOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal;
  stdin?: string;
  isTTY?: boolean;
  columns?: number;
  workbenches?: Workbenches;
  openEditor?: (file: string) => Promise<number>;
  /** Called with everything that was written so far. */
  onOut?: (out: string) => void;
  onErr?: (err: string) => void;
}

/** Runs a command in this process and keeps what it writes. */
export async function runCli(argv: string[], options: RunCliOptions = {}): Promise<CliResult> {
  const terminal = { isTTY: options.isTTY ?? false, columns: options.columns };
  const written = { out: "", err: "" };
  const code = await main({
    argv,
    env: options.env ?? {},
    cwd: options.cwd ?? "/nowhere",
    stdin: PassThrough.from([Buffer.from(options.stdin ?? "")]),
    signal: options.signal ?? new AbortController().signal,
    stdout: {
      ...terminal,
      write: (text) => {
        written.out += text;
        options.onOut?.(written.out);
      },
    },
    stderr: {
      ...terminal,
      write: (text) => {
        written.err += text;
        options.onErr?.(written.err);
      },
    },
    ...(options.workbenches === undefined ? {} : { workbenches: options.workbenches }),
    ...(options.openEditor === undefined ? {} : { openEditor: options.openEditor }),
  });
  return { code, ...written };
}

/** The workspace is served by a workbench that runs already. */
export function running(connection: Connection): Workbenches {
  return {
    find: () => Promise.resolve(connection),
    start: () => Promise.reject(new Error("A workbench runs already.")),
  };
}

/** Nothing runs; what is started is recorded. */
export function startable(connection: Connection, failed = new Promise<Error>(() => undefined)) {
  const log: string[] = [];
  const started: StartedWorkbench = {
    ...{ connection, failed },
    status: () => connection.client.getStatus(),
    createLoginLink: () => `${connection.url}/#code=c`,
    [Symbol.asyncDispose]: () => {
      log.push("stopped");
      return Promise.resolve();
    },
  };
  const workbenches: Workbenches = {
    find: () => Promise.resolve(undefined),
    start: (_place, overrides) => {
      log.push(`started ${JSON.stringify(overrides)}`);
      return Promise.resolve(started);
    },
  };
  return { workbenches, log };
}
