/** One exchange of a client that can be cancelled from another one. */
interface ExchangeKey {
  tokenId: string;
  /** As the client was given by `initialize`. */
  session: string;
  /** JSON-RPC id of the request. */
  id: string | number;
}

/**
 * Requests of revision 2025-11-25 that are under way. Its clients cancel by a notification, which is a request of its own, so somebody must
 * remember what it is about. A session is that memory and nothing else: requests without one, or of one that is over, are served all the
 * same.
 */
export class Exchanges {
  readonly #byKey = new Map<string, AbortController>();

  /** What aborts when the client cancels the request; dispose when it is answered. */
  open(key: ExchangeKey): Disposable & { signal: AbortSignal } {
    const text = textOf(key);
    const controller = new AbortController();
    this.#byKey.set(text, controller);
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        if (this.#byKey.get(text) === controller) this.#byKey.delete(text);
      },
    };
  }

  cancel(key: ExchangeKey): void {
    this.#byKey.get(textOf(key))?.abort();
  }
}

function textOf({ tokenId, session, id }: ExchangeKey): string {
  return JSON.stringify([tokenId, session, id]);
}
