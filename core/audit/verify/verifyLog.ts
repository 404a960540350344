import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { VerifyReport } from "@logomesh/contracts";
import { messageOf } from "../../base/index.ts";
import { mapSqliteError, openReadingConnection } from "../../db/index.ts";
import type { Clock } from "../../ports/index.ts";
import { VERIFIER_KEY_FILE } from "../auditKeys.ts";
import { logOf } from "../checkpoint.ts";
import { outsideFolder, readOutsideCheckpoints, type OutsideCheckpoints } from "../outsideCheckpoints.ts";
import { parseVerifierKey, type VerifierKey } from "../signedNote.ts";
import { collectCheckpoints, type CheckpointSet } from "./checkpointSet.ts";
import { EntryWalk } from "./entryWalk.ts";
import { Findings } from "./findings.ts";

// The offline verifier: one read-only connection, one read transaction, one pass over the entries in order. It trusts nothing that the
// database says about itself: leaves, tree, columns and commitments are computed again from the bytes, and every checkpoint, inside and
// outside, must carry a valid signature and the root that the pass had at its size (which is what a consistency proof would prove).

export interface VerifyLogParams {
  databasePath: string;
  /** The workspace's `.logomesh/keys`: holds the verifier key. */
  keysFolder: string;
  /** Where checkpoints were copied; each log has its own folder below. */
  outsideRoot: string;
  /** The id that this log must have, when the caller knows it. */
  expectedLog?: string;
}

/** Checks a log without the workbench, reading only. Every fault is a finding; nothing is thrown for what the files hold. */
export function verifyLog(params: VerifyLogParams, clock: Pick<Clock, "monotonicMs">): VerifyReport {
  const startMs = clock.monotonicMs();
  const findings = new Findings();
  const report = verifyFiles(params, findings);
  return {
    exitCode: findings.exitCode(),
    ...report,
    findings: findings.list(),
    durationMs: Math.max(0, clock.monotonicMs() - startMs),
  };
}

type Figures = Omit<VerifyReport, "exitCode" | "findings" | "durationMs">;

const NOTHING: Figures = {
  log: "",
  entries: 0,
  root: "",
  checkpoints: 0,
  outsideCheckpoints: 0,
  entriesSinceOutside: 0,
};

function verifyFiles(params: VerifyLogParams, findings: Findings): Figures {
  if (!existsSync(params.databasePath)) {
    findings.add({ severity: "incomplete", message: `There is no database at ${params.databasePath}.` });
    return NOTHING;
  }
  try {
    using db = openReadingConnection(params.databasePath);
    // A checkpoint is stored before it is copied outside, so the copies are read before the snapshot is taken: a workbench that goes on
    // working meanwhile cannot make the copy look newer than the log.
    const named = db.prepare("SELECT log FROM audit_head").get()?.log;
    const outside = readOutsideCheckpoints(
      outsideFolder(params.outsideRoot, expectedLogOf(params) ?? (typeof named === "string" ? named : "")),
    );
    db.exec("BEGIN");
    return verifyDatabase({ db, params, outside, findings });
  } catch (error) {
    findings.add({
      severity: "tampered",
      message: `The database could not be read to its end: ${messageOf(mapSqliteError(error, "SQLite"))}`,
    });
    return NOTHING;
  }
}

interface VerifyDatabaseOptions {
  db: DatabaseSync;
  params: VerifyLogParams;
  outside: OutsideCheckpoints;
  findings: Findings;
}

function verifyDatabase({ db, params, outside, findings }: VerifyDatabaseOptions): Figures {
  const head = db.prepare("SELECT log, size, frontier FROM audit_head").get();
  const log = head === undefined ? "" : String(head.log);
  if (head === undefined) findings.add({ severity: "tampered", message: "The log has no head row." });
  checkSchema(db, findings);
  const key = verifierKeyOf(params, outside.verifierKey, findings);
  checkLogId({ log, key, expectedLog: params.expectedLog }, findings);
  const stored = db.prepare("SELECT size, note FROM audit_checkpoint ORDER BY size").all();
  checkRest(outside.rest, { storedNotes: stored.map(({ note }) => String(note)), findings });
  const checkpoints = collectCheckpoints({
    stored: stored.map((row) => ({ size: Number(row.size), note: String(row.note) })),
    outside: outside.notes,
    key,
    findings,
  });
  const walk = new EntryWalk({ db, log, findings, checkpoints });
  const frontier = walk.run();
  if (head !== undefined) {
    const same = Number(head.size) === frontier.size && frontier.encode().equals(head.frontier as Uint8Array);
    if (!same) {
      findings.add({
        severity: "tampered",
        message: `The head row says ${String(head.size)} entries; ${frontier.size} were read, or its tree differs.`,
      });
    }
  }
  return {
    log,
    entries: frontier.size,
    root: Buffer.from(frontier.root()).toString("hex"),
    checkpoints: stored.length,
    outsideCheckpoints: outside.notes.length,
    entriesSinceOutside: anchor({ checkpoints, entries: frontier.size, findings }),
  };
}

/** A copy that a crash cut short is the beginning of a checkpoint that was stored before; anything else was changed. */
function checkRest(rest: string, { storedNotes, findings }: { storedNotes: string[]; findings: Findings }): void {
  if (rest === "") return;
  if (storedNotes.some((note) => note.startsWith(rest))) {
    findings.add({
      severity: "note",
      message: "The outside copy ends in an unfinished checkpoint: writing it was cut short.",
    });
  } else {
    findings.add({
      severity: "tampered",
      message: "The outside copy ends in something that is not a stored checkpoint.",
    });
  }
}

/** Checkpoints must not claim more than was read, and at least one must lie outside. */
function anchor(options: { checkpoints: CheckpointSet; entries: number; findings: Findings }): number {
  const { checkpoints, entries, findings } = options;
  for (const [size, place] of checkpoints.unreached(entries)) {
    findings.add({
      severity: "tampered",
      seq: entries,
      message: `The ${place} checkpoint of ${size} entries goes beyond the ${entries} that exist: the end of the log was cut off.`,
    });
  }
  if (checkpoints.newestOutside === 0 && entries > 0) {
    findings.add({
      severity: "incomplete",
      message:
        "No checkpoint is kept outside the workspace, so a log that was cut off or replaced as a whole would not be noticed.",
    });
  }
  return Math.max(0, entries - checkpoints.newestOutside);
}

function checkSchema(db: DatabaseSync, findings: Findings): void {
  const strange = db
    .prepare(
      "SELECT type, name FROM sqlite_master WHERE (type = 'trigger' OR type = 'view') AND (tbl_name LIKE 'audit%')",
    )
    .all();
  for (const { type, name } of strange) {
    findings.add({
      severity: "tampered",
      message: `The database has a ${String(type)} that LogoMesh does not make: ${String(name)}.`,
    });
  }
}

function expectedLogOf(params: VerifyLogParams): string | undefined {
  if (params.expectedLog !== undefined) return params.expectedLog;
  const key = readKey(params.keysFolder);
  return key === undefined ? undefined : logOf(key.name);
}

function readKey(folder: string): VerifierKey | undefined {
  const path = join(folder, VERIFIER_KEY_FILE);
  return existsSync(path) ? parseVerifierKey(readFileSync(path, "utf8")) : undefined;
}

/** The key that was pinned outside decides; the workspace's own must agree with it. */
function verifierKeyOf(
  params: VerifyLogParams,
  outsideText: string | undefined,
  findings: Findings,
): VerifierKey | undefined {
  const inside = readKey(params.keysFolder);
  const outside = outsideText === undefined ? undefined : parseVerifierKey(outsideText);
  if (outsideText !== undefined && outside === undefined) {
    findings.add({ severity: "tampered", message: "The verifier key outside the workspace is damaged." });
  }
  if (inside === undefined) {
    findings.add({
      severity: "tampered",
      message: `${join(params.keysFolder, VERIFIER_KEY_FILE)} is missing or damaged.`,
    });
  } else if (outside !== undefined && outside.text !== inside.text) {
    findings.add({
      severity: "tampered",
      message: "The workspace's verifier key is not the one that was pinned outside.",
    });
  }
  return outside ?? inside;
}

function checkLogId(
  { log, key, expectedLog }: { log: string; key: VerifierKey | undefined; expectedLog: string | undefined },
  findings: Findings,
): void {
  const expected = expectedLog ?? (key === undefined ? undefined : logOf(key.name));
  if (expected === undefined || expected === log) return;
  findings.add({ severity: "tampered", message: `This is the log "${log}"; its keys belong to "${expected}".` });
}
