import { hash } from "node:crypto";
import { assert } from "../base/index.ts";

// The Merkle tree of RFC 6962, section 2.1, kept as its compact range: the roots of the complete subtrees that cover the log, which are
// the one-bits of its size. Appending touches only the smallest ones, so an entry costs one hash and, on average, one more.

export const HASH_BYTES = 32;
const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

export function leafHash(body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + body.length);
  bytes[0] = LEAF_PREFIX;
  bytes.set(body, 1);
  return hash("sha256", bytes, "buffer");
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  bytes[0] = NODE_PREFIX;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return hash("sha256", bytes, "buffer");
}

interface Subtree {
  readonly hash: Uint8Array;
  /** 2^level leaves. */
  readonly level: number;
  /** The next larger subtree, to the left. */
  readonly rest: Subtree | undefined;
}

/** The compact range of a log; immutable, so that keeping an earlier one is a pointer. */
export class Frontier {
  static readonly EMPTY = new Frontier(0, undefined);
  readonly size: number;
  readonly #smallest: Subtree | undefined;

  private constructor(size: number, smallest: Subtree | undefined) {
    this.size = size;
    this.#smallest = smallest;
  }

  append(leaf: Uint8Array): Frontier {
    let subtree: Subtree = { hash: leaf, level: 0, rest: this.#smallest };
    for (let left = subtree.rest; left?.level === subtree.level; left = subtree.rest) {
      subtree = { hash: nodeHash(left.hash, subtree.hash), level: left.level + 1, rest: left.rest };
    }
    return new Frontier(this.size + 1, subtree);
  }

  /** The tree head; of the empty log the hash of nothing. */
  root(): Uint8Array {
    if (this.#smallest === undefined) return hash("sha256", new Uint8Array(0), "buffer");
    let { hash: root, rest } = this.#smallest;
    for (; rest !== undefined; rest = rest.rest) root = nodeHash(rest.hash, root);
    return root;
  }

  /** The hashes, largest subtree first. */
  encode(): Buffer {
    const hashes: Uint8Array[] = [];
    for (let subtree = this.#smallest; subtree !== undefined; subtree = subtree.rest) hashes.unshift(subtree.hash);
    return Buffer.concat(hashes);
  }

  static decode(size: number, bytes: Uint8Array): Frontier {
    let smallest: Subtree | undefined;
    let offset = 0;
    for (let level = Math.floor(Math.log2(Math.max(1, size))); level >= 0; level--) {
      // Sizes exceed 31 bits in principle, so no bit operators.
      if (Math.floor(size / 2 ** level) % 2 === 0) continue;
      smallest = { hash: bytes.slice(offset, offset + HASH_BYTES), level, rest: smallest };
      offset += HASH_BYTES;
    }
    assert(offset === bytes.length, `A log of ${size} entries has ${offset} bytes of frontier, not ${bytes.length}`);
    return new Frontier(size, smallest);
  }
}
