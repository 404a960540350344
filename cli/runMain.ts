import { constants } from "node:os";
import { Interrupted } from "./context.ts";
import { main } from "./main.ts";

/** For a clean stop; what is not done by then is taken up at the next start. */
const STOP_MS_MAX = 5_000;
/** A terminal signals all of its processes and npm passes it on too: what comes so soon again is the same Ctrl-C. */
const SAME_SIGNAL_MS_MAX = 300;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the command of this process. The first signal asks it to stop, the second or the time limit ends it. */
export async function runMain(self: NodeJS.Process): Promise<void> {
  const interrupted = new AbortController();
  let interruptedAtMs = 0;
  for (const signal of SIGNALS) {
    const code = 128 + constants.signals[signal];
    self.on(signal, () => {
      if (!interrupted.signal.aborted) {
        interruptedAtMs = performance.now();
        interrupted.abort(new Interrupted());
        setTimeout(() => self.exit(code), STOP_MS_MAX).unref();
      } else if (performance.now() - interruptedAtMs > SAME_SIGNAL_MS_MAX) {
        self.exit(code);
      }
    });
  }
  // `logomesh runs list | head`: the reader has what it wanted.
  self.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    self.exit(0);
  });
  self.exitCode = await main({
    ...{ argv: self.argv.slice(2), env: self.env, cwd: self.cwd(), signal: interrupted.signal },
    ...{ stdout: self.stdout, stderr: self.stderr, stdin: self.stdin },
  });
}
