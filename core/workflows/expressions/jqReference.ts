import { Worker } from "node:worker_threads";
import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import type { JqJob, JqMessage, JqOutcome } from "./jqJob.ts";

/** An expression that takes longer is stopped; ordinary ones take about two milliseconds. */
const JOB_MS_MAX = 1_000;
/** The worker loads its WebAssembly in about 0.2 s; more is a machine under heavy load, or a broken installation. */
const START_MS_MAX = 10_000;
/** JavaScript heap of the worker: the input and the result as text. */
const HEAP_MIB_MAX = 256;
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
  #ready = false;
  #closed = false;
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(entry = new URL("./jqWorkerEntry.ts", import.meta.url)) {
    this.#entry = entry;
  }

  /** Never rejects for what the program does. @throws LogoMeshError LM_WORKFLOW_EXPRESSION_LIMIT, LM_CANCELLED */
  async run(job: JqJob): Promise<JqOutcome> {
    if (this.#closed) throw closedError();
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
    this.#closed = true;
    this.#stop();
    for (const waiting of [...(this.#current === undefined ? [] : [this.#current]), ...this.#queue.splice(0)])
      waiting.reject(closedError());
    this.#current = undefined;
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#queue.shift();
    if (this.#current === undefined) return;
    this.#worker ??= this.#start();
    this.#worker.ref();
    if (this.#ready) this.#send();
    else this.#limit(START_MS_MAX, "jq did not start within");
  }

  #send(): void {
    if (this.#current === undefined) return;
    this.#limit(JOB_MS_MAX, "jq took longer than");
    this.#worker?.postMessage(this.#current.job);
  }

  #limit(limitMs: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#stop();
      this.#settle({ kind: "limit", message: `${what} ${limitMs} ms.` });
    }, limitMs);
  }

  #start(): Worker {
    const worker = new Worker(this.#entry, { env: {}, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX } });
    worker.on("message", (message: JqMessage) => {
      if (this.#worker !== worker) return;
      if (message.kind !== "ready") return this.#settle(message);
      this.#ready = true;
      this.#send();
    });
    worker.on("error", (error: Error) => {
      if (this.#worker !== worker) return;
      this.#stop();
      this.#settle({ kind: "limit", message: `jq stopped: ${error.message}.` });
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
    this.#ready = false;
  }
}

function closedError(): LogoMeshError {
  return new LogoMeshError("LM_CANCELLED", "The expression evaluator was closed.");
}

/** Input and variables as the one JSON value that the program takes apart again. */
export function packInput(input: JsonValue, variables: Record<string, JsonValue>): string {
  return JSON.stringify({ i: input, v: variables });
}
