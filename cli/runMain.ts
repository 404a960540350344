import { constants } from "node:os";
import { Interrupted } from "./context.ts";
import { main } from "./main.ts";

/** For a clean stop; what is not done by then is taken up at the next start. */
const STOP_MS_MAX = 5_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the command of this process. The first signal asks it to stop, the second or the time limit ends it. */
export async function runMain(self: NodeJS.Process): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of SIGNALS) {
    const code = 128 + constants.signals[signal];
    self.on(signal, () => {
      if (interrupted.signal.aborted) self.exit(code);
      interrupted.abort(new Interrupted());
      setTimeout(() => self.exit(code), STOP_MS_MAX).unref();
    });
  }
  // `logomesh runs list | head`: the reader has what it wanted.
  self.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") self.exit(0);
    throw error;
  });
  self.exitCode = await main({
    ...{ argv: self.argv.slice(2), env: self.env, cwd: self.cwd(), signal: interrupted.signal },
    ...{ stdout: self.stdout, stderr: self.stderr, stdin: self.stdin },
  });
}
