import { LogoMeshError } from "@logomesh/contracts";
import type { Clock } from "../ports/index.ts";
import { McpConnection, type Introduction } from "./mcpConnection.ts";
import type { Era } from "./protocolRevisions.ts";
import type { SandboxProcess } from "./sandbox/sandbox.ts";

// Asks a process that is there for nothing else whether it speaks the modern era. Some servers end on a request that they do not know, or
// never answer it, so that the process that serves is not the one to ask (docs/specification/2026-07-28/basic/transports/stdio).

/** A server that says nothing at all is of the older era. */
const SILENT_MS = 2_000;
/** One that answers a ping, and not the question before it, has passed over the question. */
const PASSED_OVER_MS = 250;

export interface EraProbeOptions {
  pluginId: string;
  process: SandboxProcess;
  lineBytesMax: number;
  introduction: Introduction;
  clock: Clock;
}

/** Ends the process. Any other answer than a modern one, an exit and silence mean the older era. */
export async function probeEra({ process, introduction, clock, ...rest }: EraProbeOptions): Promise<Era> {
  const verdict = Promise.withResolvers<Era>();
  const isLegacy = (): void => verdict.resolve("legacy");
  const connection = new McpConnection({
    ...{ input: process.stdout, output: process.stdin, clock, ...rest },
    // What it asks or says besides is for nobody: it does not serve.
    onRequest: () => Promise.resolve(undefined),
    onNotification: () => undefined,
    onFatal: isLegacy,
  });
  process.stderr.resume();
  const timers = [clock.setTimer(SILENT_MS, isLegacy)];
  const passedOver = (): void => void timers.push(clock.setTimer(PASSED_OVER_MS, isLegacy));
  try {
    connection.discover(introduction).then(() => verdict.resolve("modern"), isLegacy);
    connection.ping("ping").then(passedOver, () => undefined);
    void process.exited.then(isLegacy);
    return await verdict.promise;
  } finally {
    for (const timer of timers) timer[Symbol.dispose]();
    connection.close(new LogoMeshError("LM_PLUGIN_STOPPED", "the question was answered"));
    process.hostPlane.destroy();
    await process[Symbol.asyncDispose]();
  }
}
