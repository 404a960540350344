import { parseCheckpoint } from "../checkpoint.ts";
import { openSignedNote, type VerifierKey } from "../signedNote.ts";
import type { Findings } from "./findings.ts";

type Place = "stored" | "outside";

interface Claim {
  place: Place;
  root: Uint8Array;
}

export interface CheckpointSet {
  /** What checkpoints say about the tree of the first `size` entries. */
  claimsAt(size: number): readonly Claim[];
  /** Checkpoints beyond the end of the log. */
  unreached(entries: number): [size: number, place: Place][];
  /** 0 when there is none. */
  newestOutside: number;
}

/** Checks the signature and form of every checkpoint, and that what lies outside also lies inside. */
export function collectCheckpoints(options: {
  stored: readonly { size: number; note: string }[];
  outside: readonly string[];
  key: VerifierKey | undefined;
  findings: Findings;
}): CheckpointSet {
  const { key, findings } = options;
  const claims = new Map<number, Claim[]>();
  let newestOutside = 0;
  const add = (note: string, place: Place): number | undefined => {
    const text = key === undefined ? undefined : openSignedNote(note, key);
    const checkpoint = text === undefined ? undefined : parseCheckpoint(text);
    if (checkpoint === undefined || checkpoint.origin !== key?.name) {
      findings.add({
        severity: key === undefined ? "incomplete" : "tampered",
        message: `A checkpoint (${place}) is not validly signed by the log's key: ${JSON.stringify(note.slice(0, 80))}.`,
      });
      return undefined;
    }
    const { size, root } = checkpoint;
    claims.set(size, [...(claims.get(size) ?? []), { place, root }]);
    return size;
  };
  const storedNotes = new Set<string>();
  for (const { size, note } of options.stored) {
    storedNotes.add(note);
    const signedSize = add(note, "stored");
    if (signedSize !== undefined && signedSize !== size) {
      findings.add({
        severity: "tampered",
        message: `The checkpoint stored for ${size} entries was signed for ${signedSize}.`,
      });
    }
  }
  for (const note of options.outside) {
    const size = add(note, "outside");
    if (size === undefined) continue;
    newestOutside = Math.max(newestOutside, size);
    if (!storedNotes.has(note)) {
      findings.add({
        severity: "tampered",
        message: `The outside checkpoint of ${size} entries is missing in the database.`,
      });
    }
  }
  return {
    claimsAt: (size) => claims.get(size) ?? [],
    unreached: (entries) =>
      Array.from(claims)
        .filter(([size]) => size > entries)
        .flatMap(([size, made]) => made.map(({ place }): [number, Place] => [size, place])),
    newestOutside,
  };
}
