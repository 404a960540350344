import { existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { VERIFIER_KEY_FILE } from "./auditKeys.ts";

// The copy of checkpoints outside the workspace: `<root>/<log id>/checkpoints` is an append-only text of signed notes, `audit.vkey`
// beside it pins the key. A note ends with its last line that begins with an em dash.

const CHECKPOINTS_FILE = "checkpoints";
const SIGNATURE_MARK = "— ";

export interface OutsideCheckpoints {
  /** Complete notes, oldest first. */
  notes: string[];
  /** Text after the last complete note: an append that a crash cut short. */
  rest: string;
  verifierKey: string | undefined;
}

export function outsideFolder(root: string, log: string): string {
  return join(root, log);
}

export function readOutsideCheckpoints(folder: string): OutsideCheckpoints {
  const path = join(folder, CHECKPOINTS_FILE);
  const keyPath = join(folder, VERIFIER_KEY_FILE);
  return {
    ...splitNotes(existsSync(path) ? readFileSync(path, "utf8") : ""),
    verifierKey: existsSync(keyPath) ? readFileSync(keyPath, "utf8") : undefined,
  };
}

/** Cuts a text of concatenated notes. */
export function splitNotes(text: string): { notes: string[]; rest: string } {
  const notes: string[] = [];
  const lines = text.split("\n");
  const tail = lines.pop() ?? "";
  let current: string[] = [];
  lines.forEach((line, index) => {
    current.push(line);
    if (!line.startsWith(SIGNATURE_MARK) || lines[index + 1]?.startsWith(SIGNATURE_MARK) === true) return;
    notes.push(`${current.join("\n")}\n`);
    current = [];
  });
  return { notes, rest: [...current, tail].join("\n") };
}

/** Cuts off what a crash left of an append, so that the next note begins on its own line. */
export function dropPartialNote(folder: string, { notes, rest }: OutsideCheckpoints): void {
  if (rest !== "") truncateSync(join(folder, CHECKPOINTS_FILE), Buffer.byteLength(notes.join("")));
}

/** Appends notes and waits until they are on disk. */
export async function appendOutsideCheckpoints(
  folder: string,
  { notes, verifierKey }: { notes: readonly string[]; verifierKey: string },
): Promise<void> {
  if (!existsSync(join(folder, VERIFIER_KEY_FILE))) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, VERIFIER_KEY_FILE), `${verifierKey}\n`, { flag: "wx" });
  }
  await using file = await open(join(folder, CHECKPOINTS_FILE), "a");
  await file.writeFile(notes.join(""));
  await file.datasync();
}
