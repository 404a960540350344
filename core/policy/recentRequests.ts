import type { Asked } from "./evaluator.ts";

/** What a preview replays; each is decided once more, at some 0.2 ms. */
const REQUESTS_MAX = 500;

/** The distinct requests that were evaluated last. */
export class RecentRequests {
  readonly #requests = new Map<string, Asked>();

  add(key: string, asked: Asked): void {
    this.#requests.delete(key);
    this.#requests.set(key, asked);
    if (this.#requests.size <= REQUESTS_MAX) return;
    for (const oldest of this.#requests.keys()) {
      this.#requests.delete(oldest);
      return;
    }
  }

  list(): Asked[] {
    return [...this.#requests.values()];
  }
}
