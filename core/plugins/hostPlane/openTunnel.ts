import type { Duplex } from "node:stream";
import { LogoMeshError } from "@logomesh/contracts";
import type { Clock } from "../../ports/index.ts";

// One tunnel while it is open: bytes pass both ways, counted and bounded. It ends when both sides have ended, when one breaks off, or by a
// rule: `end`.

/** Of one tunnel, both ways together: a plugin that moves more has a bulk transfer to explain. */
const BYTES_MAX = 1024 * 1024 * 1024;
/** A tunnel in which nothing moves: what clients keep open for the next request is closed by them sooner. */
const SILENT_MS_MAX = 5 * 60_000;
const OPEN_MS_MAX = 60 * 60_000;

export interface TunnelOutcome {
  bytesSent: number;
  bytesReceived: number;
  durationMs: number;
  /** Why it was ended; absent when its ends ended it. */
  error?: LogoMeshError;
}

export interface OpenTunnelOptions {
  /** The plugin's side. */
  inside: Duplex;
  outside: Duplex;
  clock: Clock;
  /** Called before anything is passed on to the outside; it may end the tunnel. */
  onSend: () => void;
  /** Asks again whether it may be open. @throws LogoMeshError when it may not */
  judge: () => void;
}

export class OpenTunnel {
  readonly #options: OpenTunnelOptions;
  readonly #openedMs: number;
  #movedMs: number;
  #bytesSent = 0;
  #bytesReceived = 0;
  #error: LogoMeshError | undefined;
  /** Resolves when both sides are closed. */
  readonly ended: Promise<TunnelOutcome>;

  constructor(options: OpenTunnelOptions) {
    this.#options = options;
    const { inside, outside, clock } = options;
    this.#openedMs = this.#movedMs = clock.monotonicMs();
    // Before the pipes: what this refuses is not passed on.
    inside.on("data", (chunk: Buffer) => {
      options.onSend();
      this.#bytesSent += chunk.length;
      this.#moved();
    });
    outside.on("data", (chunk: Buffer) => {
      this.#bytesReceived += chunk.length;
      this.#moved();
    });
    inside.pipe(outside);
    outside.pipe(inside);
    const closed = [inside, outside].map(
      (side) =>
        new Promise<void>((resolve) => {
          side.once("error", () => this.#destroy());
          side.once("close", () => {
            // When both have said all that they had to say, the other may still be at work on its last bytes; else somebody broke off.
            if (!inside.readableEnded || !outside.readableEnded) this.#destroy();
            resolve();
          });
        }),
    );
    this.ended = Promise.all(closed).then(() => ({
      ...{ bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived },
      durationMs: Math.round(clock.monotonicMs() - this.#openedMs),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    }));
  }

  /** Ends it at once unless it may go on. */
  judge(): void {
    const { clock, judge } = this.#options;
    const nowMs = clock.monotonicMs();
    try {
      if (nowMs - this.#movedMs > SILENT_MS_MAX)
        throw tooLong(`nothing moved in it for ${SILENT_MS_MAX / 60_000} minutes`);
      if (nowMs - this.#openedMs > OPEN_MS_MAX) throw tooLong(`it was open for ${OPEN_MS_MAX / 60_000} minutes`);
      judge();
    } catch (error) {
      if (!(error instanceof LogoMeshError)) throw error;
      this.end(error);
    }
  }

  end(error: LogoMeshError): void {
    this.#error ??= error;
    this.#destroy();
  }

  #moved(): void {
    this.#movedMs = this.#options.clock.monotonicMs();
    if (this.#bytesSent + this.#bytesReceived <= BYTES_MAX) return;
    this.end(new LogoMeshError("LM_TOO_LARGE", `A tunnel passes at most ${BYTES_MAX} bytes; open another one.`));
  }

  #destroy(): void {
    const { inside, outside } = this.#options;
    // With an error, so that what was cut off does not look whole inside.
    inside.destroy(this.#error ?? new LogoMeshError("LM_NET_FAILED", "The tunnel was broken off."));
    outside.destroy();
  }
}

function tooLong(why: string): LogoMeshError {
  return new LogoMeshError("LM_TIMEOUT", `The tunnel was closed because ${why}.`);
}
