import { HASH_BYTES } from "./merkle.ts";

// C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint): origin, size and base64 root, one line each, signed as a note.

const ORIGIN_PREFIX = "logomesh.local/";

export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
}

/** The origin of a log, which is also the name of its key. */
export function originOf(log: string): string {
  return `${ORIGIN_PREFIX}${log}`;
}

/** The log that an origin belongs to; undefined when it is not one of ours. */
export function logOf(origin: string): string | undefined {
  return origin.startsWith(ORIGIN_PREFIX) ? origin.slice(ORIGIN_PREFIX.length) : undefined;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
}

/** Undefined when the text is not exactly a checkpoint without extension lines. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, sizeText, rootText] = text.split("\n");
  if (origin === undefined || sizeText === undefined || rootText === undefined) return undefined;
  const size = Number(sizeText);
  const root = Buffer.from(rootText, "base64");
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== HASH_BYTES) return undefined;
  const checkpoint = { origin, size, root };
  return checkpointText(checkpoint) === text ? checkpoint : undefined;
}

/** The size that a note claims, read without checking its signature. */
export function claimedSize(note: string): number | undefined {
  const size = Number(note.split("\n", 2)[1] ?? "");
  return Number.isSafeInteger(size) ? size : undefined;
}
