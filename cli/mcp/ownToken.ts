import type { Token } from "@logomesh/contracts";

/** A bridge that lives on takes a new one long before the old one, which lasts a day, has ended. */
export const RENEW_MS = 12 * 3_600_000;

export interface OwnTokenOptions {
  create: () => Promise<Token & { token: string }>;
  revoke: (id: string) => Promise<void>;
  note: (text: string) => void;
}

/** The token of one bridge, as short-lived as there is: made anew while the bridge lives, revoked with it. One that is killed leaves it for a day. */
export class OwnToken implements AsyncDisposable {
  readonly #options: OwnTokenOptions;
  readonly #timer: NodeJS.Timeout;
  #token: Token & { token: string };

  private constructor(options: OwnTokenOptions, token: Token & { token: string }) {
    this.#options = options;
    this.#token = token;
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS).unref();
  }

  static async make(options: OwnTokenOptions): Promise<OwnToken> {
    return new OwnToken(options, await options.create());
  }

  get value(): string {
    return this.#token.token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#revoke(this.#token);
  }

  async #renew(): Promise<void> {
    try {
      const old = this.#token;
      this.#token = await this.#options.create();
      await this.#revoke(old);
    } catch (error) {
      this.#options.note(`The token could not be renewed: ${String(error)}`);
    }
  }

  async #revoke({ id }: Token): Promise<void> {
    try {
      await this.#options.revoke(id);
    } catch (error) {
      // Nothing is lost: it ends by itself, and `token list` shows it.
      this.#options.note(`The token ${id} could not be revoked: ${String(error)}`);
    }
  }
}
