import { LogoMeshError, type CallToolResult, type Effect, type JsonValue } from "@logomesh/contracts";
import { canonicalJson } from "../../base/index.ts";
import type { PluginToolCall, PluginTools } from "../../ports/index.ts";
import type { MemoryDisk } from "./memoryDisk.ts";

/** What a tool of the world does with a call; the world outlives every crash. */
const EFFECTS: Record<string, Effect> = {
  ...{ echo: "pure", look: "idempotent", act: "once", flaky: "idempotent", broken: "pure", never: "pure" },
};
/** So often `flaky` fails for one key. */
const FLAKY_FAILURES = 2;

interface PendingCall {
  call: PluginToolCall;
  signal: AbortSignal;
  settle: () => void;
}

/** The outside that runs act on. It watches every call, and writes down what no engine may do. */
export class SimulatedWorld {
  readonly #disk: MemoryDisk;
  /** By run and number of the step. */
  readonly #seen = new Map<string, { key: string | undefined; args: string; acts: number }>();
  readonly #callsOfKey = new Map<string, number>();
  /** Calls that nobody has answered, in order. */
  pending: PendingCall[] = [];
  readonly violations: string[] = [];
  /** The step that reports progress right now, told by the engine's own messages. */
  reporting: { runId: string; seq: number } | undefined;
  calls = 0;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  /** Calls that can be answered. */
  get answerable(): PendingCall[] {
    return this.pending.filter(({ call }) => call.tool !== "never");
  }

  /** The process that called is gone, and with it who waits for answers. */
  forget(): void {
    this.pending = [];
  }

  /** A door to the world for one engine. */
  tools(): PluginTools {
    return {
      describeTool: (_plugin, tool) => {
        const effect = EFFECTS[tool];
        return effect === undefined ? undefined : { effect, version: "1.0.0", sha256: "00" };
      },
      callTool: (call, { signal, onProgress }) => {
        this.reporting = undefined;
        onProgress?.({ progress: 0, total: 1, message: "begun" });
        this.#watch(call);
        return this.#answer(call, signal);
      },
    };
  }

  #answer(call: PluginToolCall, signal: AbortSignal): Promise<CallToolResult> {
    return new Promise((resolve, reject) => {
      const leave = (): void => void (this.pending = this.pending.filter((other) => other !== pending));
      const pending: PendingCall = {
        ...{ call, signal },
        settle: () => {
          leave();
          if (this.#fails(call)) reject(new LogoMeshError("LM_PLUGIN_TOOL_FAILED", `${call.tool} failed.`));
          else resolve({ content: [], structuredContent: call.arguments as JsonValue, isError: false, durationMs: 1 });
        },
      };
      this.pending.push(pending);
      signal.addEventListener("abort", () => {
        leave();
        reject(signal.reason as Error);
      });
    });
  }

  #fails({ tool, idempotencyKey }: PluginToolCall): boolean {
    if (tool === "broken") return true;
    return tool === "flaky" && (this.#callsOfKey.get(String(idempotencyKey)) ?? 0) <= FLAKY_FAILURES;
  }

  /** What a call must keep to, whatever has happened before it. */
  #watch(call: PluginToolCall): void {
    this.calls += 1;
    const { reporting } = this;
    if (reporting === undefined) return this.#blame(`${call.tool} was called by no step`);
    const { runId, seq } = reporting;
    const where = `${call.tool} of step ${seq} in ${runId}`;
    const effect = EFFECTS[call.tool];
    const row = this.#disk.state.tasks.get(runId)?.get(seq);
    if (row !== undefined && row.endedAtMs !== null)
      this.#blame(`${where} ran although it is recorded as ${row.status}`);
    if (effect === "once" && row === undefined) this.#blame(`${where} acts once and has no row before it acts`);
    if (!this.#disk.state.runs.has(runId)) this.#blame(`${where} acts for a run that is not stored`);
    const args = canonicalJson(call.arguments);
    const seen = this.#seen.get(`${runId} ${seq}`) ?? { key: call.idempotencyKey, args, acts: 0 };
    seen.acts += 1;
    this.#seen.set(`${runId} ${seq}`, seen);
    if (seen.key !== call.idempotencyKey) this.#blame(`${where} changed its idempotency key`);
    if (seen.args !== args) this.#blame(`${where} changed its arguments from ${seen.args} to ${args}`);
    if (effect === "once" && seen.acts > 1) this.#blame(`${where} acted ${seen.acts} times`);
    const key = String(call.idempotencyKey);
    this.#callsOfKey.set(key, (this.#callsOfKey.get(key) ?? 0) + 1);
  }

  #blame(text: string): void {
    this.violations.push(text);
  }
}
