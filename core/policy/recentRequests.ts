import type { Asked } from "./evaluator.ts";

/** Distinct requests that are remembered: a preview decides each once more by both versions, at some 0.4 ms. */
const REQUESTS_MAX = 2_000;

/** The distinct requests that were evaluated last. */
export class RecentRequests {
  readonly #requests = new Map<string, Asked>();
  #forgotten = 0;

  add(key: string, asked: Asked): void {
    this.#requests.delete(key);
    this.#requests.set(key, asked);
    if (this.#requests.size <= REQUESTS_MAX) return;
    for (const oldest of this.#requests.keys()) {
      this.#requests.delete(oldest);
      this.#forgotten += 1;
      return;
    }
  }

  /** How many were forgotten for newer ones. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Of each principal, action and resource the newest first, then the variants of these: so a part of the list says most. */
  list(): Asked[] {
    const firsts = new Map<string, Asked>();
    const variants: Asked[] = [];
    for (const asked of [...this.#requests.values()].reverse()) {
      const { principal, action, resource } = asked;
      const key = JSON.stringify([principal.type, principal.id, action, resource.type, resource.id]);
      if (firsts.has(key)) variants.push(asked);
      else firsts.set(key, asked);
    }
    return [...firsts.values(), ...variants];
  }
}
