import type { Principal, Random } from "../../ports/index.ts";

// Who asked a plugin for what it is doing. A plugin may say to which of its calls a request belongs by the token that came with the call; what
// it says can only narrow the callers to those of a call that is in flight. Without a token that is known, every caller counts.

const TOKEN_BYTES = 16;

export interface CallInFlight {
  /** Everybody up the chain, the outermost first. */
  callers: readonly Principal[];
  run?: { runId: string; taskReference: string } | undefined;
}

export class CallRegister {
  readonly #random: Random;
  readonly #calls = new Map<string, CallInFlight>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Disposing ends the call; its token is worth nothing afterwards. */
  begin(call: CallInFlight): Disposable & { readonly token: string } {
    const token = Buffer.from(this.#random.bytes(TOKEN_BYTES)).toString("hex");
    this.#calls.set(token, call);
    return { token, [Symbol.dispose]: () => void this.#calls.delete(token) };
  }

  /** The callers of the call with this token; of every call in flight when there is none such; nobody when the plugin is idle. */
  of(token: unknown): CallInFlight {
    const named = typeof token === "string" ? this.#calls.get(token) : undefined;
    if (named !== undefined) return named;
    const calls = [...this.#calls.values()];
    const [only] = calls;
    if (only === undefined) return { callers: [] };
    if (calls.length === 1) return only;
    const callers = new Map(
      calls.flatMap((call) =>
        call.callers.map((caller) => [JSON.stringify([caller.type, caller.id]), caller] as const),
      ),
    );
    return { callers: [...callers.values()] };
  }
}
