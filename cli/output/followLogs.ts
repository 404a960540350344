import type { Client } from "@logomesh/contracts/client";
import type { CliContext } from "../context.ts";
import { visibleLine } from "./text.ts";

/** Between two looks; a person reads no faster. */
const PERIOD_MS = 300;

/** Prints the last lines of a plugin, and then each new one, until Ctrl-C. */
export async function followLogs(
  id: string,
  { client, json, context }: { client: Client; json: boolean; context: CliContext },
): Promise<number> {
  let seen: readonly string[] = [];
  while (!context.signal.aborted) {
    const { lines } = await client.getPluginLogs({ params: { id } });
    for (const line of newLines(seen, lines)) {
      if (json) context.printJson({ line });
      else context.print(visibleLine(line));
    }
    seen = lines;
    await wait(PERIOD_MS, context.signal);
  }
  return 0;
}

/** What is in the second listing and not in the first: its end goes on where the first ended, unless a new process began anew. */
export function newLines(before: readonly string[], now: readonly string[]): readonly string[] {
  for (let cut = 0; cut < before.length; cut += 1) {
    const kept = before.length - cut;
    if (kept <= now.length && before.slice(cut).every((line, index) => line === now[index])) return now.slice(kept);
  }
  return now;
}

/** Resolves early when the signal aborts. */
export function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", done);
  });
}
