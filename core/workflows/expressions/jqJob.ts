import type { JsonValue } from "@logomesh/contracts";

/** What travels to the worker: code and data apart. */
export interface JqJob {
  /** The jq program; `check` only compiles it. */
  program: string;
  check: boolean;
  /** JSON text of `{i: input, v: variables}`. */
  input: string;
  outputCharsMax: number;
}

/** What a worker says: first that it is ready, then the outcome of each job. */
export type JqMessage = JqOutcome | { kind: "ready" };

export type JqOutcome =
  | { kind: "value"; value: JsonValue }
  | { kind: "error"; message: string; syntax: boolean }
  | { kind: "limit"; message: string };

/** The part of jq-wasm that is used. */
export interface JqEngine {
  raw(input: string, query: string, flags?: string[]): { stdout: string; stderr: string; exitCode: number };
}

/** jq's exit code for a program that does not compile. */
const EXIT_COMPILE = 3;

/** Runs one job on real jq. The first output is the value; no output is null. */
export function runJqJob(jq: JqEngine, job: JqJob): JqOutcome {
  const query = job.check ? `empty | (${job.program}\n)` : job.program;
  const { stdout, stderr, exitCode } = jq.raw(job.check ? "null" : job.input, query, ["-c"]);
  if (exitCode !== 0) {
    const [line = ""] = stderr
      .replace(/^jq: error(?: \(at [^)]*\))?(?: \(not a string\))?: /, "")
      .trim()
      .split("\n");
    const message = line === "" ? "jq failed without a message" : line;
    return { kind: "error", message, syntax: exitCode === EXIT_COMPILE };
  }
  if (stdout.length > job.outputCharsMax) {
    return {
      kind: "limit",
      message: `The result has ${stdout.length} characters, at most ${job.outputCharsMax} are allowed.`,
    };
  }
  const line = stdout.trim();
  if (line === "") return { kind: "value", value: null };
  // Minus zero would not survive being stored.
  const value = (line.includes("-0") ? JSON.parse(line, plainZero) : JSON.parse(line)) as JsonValue;
  return { kind: "value", value };
}

function plainZero(_key: string, value: unknown): unknown {
  return value === 0 ? 0 : value;
}
