import { LogoMeshError } from "@logomesh/contracts";
import type { Clock, Reader, Writer } from "../../ports/index.ts";
import type { AddTokensParams } from "./pluginWriterModule.ts";

export interface TokenReservation extends Disposable {
  /** Books what was really used. */
  use(tokens: number): Promise<void>;
}

/** Tokens that plugins use in a day (UTC). What is under way is reserved, so that many prompts at once stay within the limit too. */
export class TokenLedger {
  readonly #options: { reader: Reader; writer: Writer; clock: Clock };
  readonly #reserved = new Map<string, number>();

  constructor(options: { reader: Reader; writer: Writer; clock: Clock }) {
    this.#options = options;
  }

  usedToday(pluginId: string): number {
    const row = this.#options.reader.get(
      "SELECT tokens FROM plugin_tokens WHERE plugin_id = ? AND day = ?",
      pluginId,
      this.#today(),
    );
    return Number(row?.tokens ?? 0);
  }

  /** @throws LogoMeshError LM_PLUGIN_TOKENS_USED */
  reserve(pluginId: string, { tokens, dayMax }: { tokens: number; dayMax: number }): TokenReservation {
    const reserved = this.#reserved.get(pluginId) ?? 0;
    const used = this.usedToday(pluginId);
    if (used + reserved + tokens > dayMax)
      throw new LogoMeshError(
        "LM_PLUGIN_TOKENS_USED",
        `${pluginId} may use ${dayMax} tokens a day; ${used} are used, ${reserved} reserved, and this prompt may take ${tokens}. Set maxTokens lower, or grant more.`,
      );
    this.#reserved.set(pluginId, reserved + tokens);
    return {
      use: async (count) => {
        const params: AddTokensParams = { pluginId, day: this.#today(), tokens: Math.max(0, Math.ceil(count)) };
        await this.#options.writer.run([{ name: "plugins.addTokens", params }]);
      },
      [Symbol.dispose]: () => {
        const left = (this.#reserved.get(pluginId) ?? 0) - tokens;
        if (left > 0) this.#reserved.set(pluginId, left);
        else this.#reserved.delete(pluginId);
      },
    };
  }

  #today(): string {
    return new Date(this.#options.clock.nowMs()).toISOString().slice(0, 10);
  }
}
