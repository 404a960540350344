import { Worker } from "node:worker_threads";
import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import type { JqJob, JqOutcome } from "./jqJob.ts";

/** An expression that takes longer is stopped; ordinary ones take about a millisecond. */
const JOB_MS_MAX = 1_000;
/** The first job also waits for the worker and its WebAssembly to load. */
const START_MS_MAX = 10_000;
const QUEUE_JOBS_MAX = 10_000;

interface Waiting {
  job: JqJob;
  resolve: (outcome: JqOutcome) => void;
  reject: (error: Error) => void;
}

/** Real jq in a worker thread: one job at a time, each with a time limit that ends the worker. */
export class JqReference implements Disposable {
  readonly #entry: URL;
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #warm = false;
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(entry = new URL("./jqWorkerEntry.ts", import.meta.url)) {
    this.#entry = entry;
  }

  run(job: JqJob): Promise<JqOutcome> {
    if (this.#queue.length >= QUEUE_JOBS_MAX) {
      throw new LogoMeshError("LM_WORKFLOW_EXPRESSION_LIMIT", `More than ${QUEUE_JOBS_MAX} expressions wait for jq.`, {
        retryable: true,
      });
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#next();
    });
  }

  [Symbol.dispose](): void {
    this.#stop();
    const error = new LogoMeshError("LM_CANCELLED", "The expression evaluator was closed.");
    for (const waiting of [...(this.#current === undefined ? [] : [this.#current]), ...this.#queue.splice(0)])
      waiting.reject(error);
    this.#current = undefined;
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    this.#current = waiting;
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    const limitMs = this.#warm ? JOB_MS_MAX : START_MS_MAX;
    this.#timer = setTimeout(() => {
      this.#stop();
      this.#settle({ kind: "limit", message: `jq took longer than ${limitMs} ms.` });
    }, limitMs);
    worker.postMessage(waiting.job);
  }

  #start(): Worker {
    const worker = new Worker(this.#entry, { stdin: false, env: {} });
    worker.on("message", (outcome: JqOutcome) => {
      this.#warm = true;
      this.#settle(outcome);
    });
    worker.on("error", (error) => {
      if (this.#worker !== worker) return;
      this.#stop();
      this.#settle({ kind: "limit", message: `jq stopped: ${error.message}` });
    });
    return worker;
  }

  #settle(outcome: JqOutcome): void {
    clearTimeout(this.#timer);
    const waiting = this.#current;
    this.#current = undefined;
    // An idle evaluator keeps no process alive.
    this.#worker?.unref();
    waiting?.resolve(outcome);
    this.#next();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#warm = false;
  }
}

/** Input and variables as the one JSON value that the program takes apart again. */
export function packInput(input: JsonValue, variables: Record<string, JsonValue>): string {
  return JSON.stringify({ i: input, v: variables });
}
