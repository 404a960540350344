import { LogoMeshError, type Lockdown, type VerifyReport } from "@logomesh/contracts";
import { messageOf, sha256Hex } from "../base/index.ts";
import type { Logger } from "../ports/index.ts";
import type { WorkbenchParts } from "./openParts.ts";
import type { Caller } from "./workbench.ts";

// Ties the switch to what it stops and to what triggers it. The policy refuses from the moment it is on; what was under way is ended here:
// plugins are killed, calls of models aborted, runs stopped as they are stored. Leaving takes the runs up again, as a start does.

export interface LockdownControlOptions {
  parts: Pick<
    WorkbenchParts,
    "lockdown" | "plugins" | "models" | "engine" | "audit" | "policy" | "policyAdmin" | "sandbox"
  >;
  logger: Logger;
}

export class LockdownControl implements AsyncDisposable {
  readonly #options: LockdownControlOptions;
  readonly #subscriptions = new DisposableStack();
  /** Stopping and going on, one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: LockdownControlOptions) {
    this.#options = options;
    const { lockdown, audit } = options.parts;
    this.#subscriptions.use(lockdown.onDidChange((state) => (state.on ? this.#halt() : this.#goOn())));
    this.#subscriptions.use(audit.onDidFail((error) => this.#onUnwritable(error)));
  }

  get(): Lockdown {
    return this.#options.parts.lockdown.state;
  }

  /** Resolves when it survives a restart and what was under way has ended. */
  async on({ reason }: { reason?: string | undefined }, { actor }: Caller): Promise<Lockdown> {
    const { lockdown } = this.#options.parts;
    await lockdown.on({ reason: reason ?? "Someone turned it on.", by: actor });
    await this.#work;
    return lockdown.state;
  }

  /** @throws LogoMeshError LM_CONFLICT while the constitution is not valid: everything would be denied all the same */
  async off({ actor }: Caller): Promise<Lockdown> {
    const { lockdown, policy } = this.#options.parts;
    const { problem } = policy;
    if (problem !== undefined)
      throw new LogoMeshError(
        "LM_CONFLICT",
        `The lockdown cannot be left before the constitution is repaired: ${problem.message}`,
      );
    await lockdown.off(actor);
    await this.#work;
    return lockdown.state;
  }

  /** What a start finds: a constitution that is not valid, or a sandbox that worked here before and does not any more. */
  checkAtStart(): void {
    const { lockdown, policy, policyAdmin, sandbox } = this.#options.parts;
    const { problem } = policy;
    if (problem !== undefined) {
      lockdown.trigger({ system: "constitution", reason: `The constitution is not valid. ${problem.message}` });
      return;
    }
    const { available, hint = "" } = sandbox.status();
    if (available || !policyAdmin.hasEntry("plugin.started")) return;
    lockdown.trigger({
      system: "sandbox",
      reason: `The sandbox that plugins ran in here before does not work any more. ${hint}`,
      cause: `sandbox ${hint}`,
    });
  }

  /** What the verifier of the log found. */
  onVerified({ exitCode, findings }: VerifyReport): void {
    if (exitCode !== 1) return;
    const bad = findings.filter(({ severity }) => severity === "tampered");
    const [first] = bad;
    this.#options.parts.lockdown.trigger({
      system: "audit",
      reason: `The log does not verify: ${first?.seq === undefined ? "" : `entry ${first.seq}: `}${first?.message ?? "it was changed"}.`,
      cause: `audit ${sha256Hex(JSON.stringify(bad))}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriptions[Symbol.dispose]();
    await this.#work;
  }

  #onUnwritable(error: LogoMeshError): void {
    // Too much at once is said to who asks and leaves an entry of its own; any plugin could bring it about.
    if (error.data?.code === "LM_DB_OVERLOADED") return;
    this.#options.parts.lockdown.trigger({ system: "audit", reason: `The log cannot be written. ${error.message}` });
  }

  #halt(): void {
    const { lockdown, plugins, models, engine } = this.#options.parts;
    const error = lockdown.stopError();
    models.halt(error);
    // Both begin now; only their ends wait for what was begun before.
    const ended = Promise.all([plugins.killAll(error.message), engine.pause()]);
    this.#enqueue(async () => {
      await ended;
    });
  }

  #goOn(): void {
    const { engine, plugins } = this.#options.parts;
    this.#enqueue(async () => {
      await engine.recover();
      void plugins.startActivated();
    });
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#options.logger.error({ error: messageOf(error) }, "the lockdown could not stop or continue everything");
    });
  }
}
