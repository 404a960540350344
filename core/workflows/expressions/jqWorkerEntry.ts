import { parentPort } from "node:worker_threads";
import { loadJq } from "jq-wasm";
import { runJqJob, type JqEngine, type JqJob } from "./jqJob.ts";

const jq = (await loadJq()) as unknown as JqEngine;
parentPort?.on("message", (job: JqJob) => parentPort?.postMessage(runJqJob(jq, job)));
parentPort?.postMessage({ kind: "ready" });
