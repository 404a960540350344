import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { hash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createIdSource } from "../../base/index.ts";
import {
  createInlineReader,
  createInlineWriter,
  createWriterCore,
  loadMigrations,
  migrateDatabase,
  openWritingConnection,
} from "../../db/index.ts";
import { createSeededRandom, createTempFolder, FakeClock, silentLogger } from "../../testing/index.ts";
import { createAuditWriterModule, openAuditTrail } from "../index.ts";
import { Frontier, leafHash } from "../merkle.ts";
import { verifyLog, type VerifyLogParams } from "./index.ts";

const MIGRATIONS = loadMigrations(new URL("../../db/migrations/", import.meta.url));
const clock = new FakeClock();
const notUsed = () => Promise.reject(new Error("not used"));

function filesOf(folder: string): VerifyLogParams {
  return { databasePath: join(folder, "x.db"), keysFolder: join(folder, "keys"), outsideRoot: join(folder, "outside") };
}

/** A log of eight entries with checkpoints at four and eight; answers its id. */
async function writeLog(folder: string, steps: readonly number[] = [4, 4]): Promise<string> {
  const files = filesOf(folder);
  const random = createSeededRandom(5);
  const ids = createIdSource({ clock, random });
  let log = "";
  for (const count of steps) {
    migrateDatabase({ path: files.databasePath, migrations: MIGRATIONS });
    using db = openWritingConnection({ path: files.databasePath, synchronous: "NORMAL" });
    const writer = createInlineWriter(createWriterCore({ db, modules: [createAuditWriterModule], clock, random }));
    await using trail = await openAuditTrail({
      ...files,
      writer,
      reader: createInlineReader(db),
      jobs: { verify: notUsed, listUnended: notUsed },
      clock,
      random,
      logger: silentLogger,
      newLogId: () => ids.next("log"),
    });
    log = trail.logId;
    for (let index = 0; index < count; index++) {
      await trail.append({
        kind: "llm.response",
        actor: { type: "workflow", id: "wf" },
        trace: { run: "run_1", task: "/do/0", plugin: "p", model: "m", status: "ok" },
        data: { n: index, flag: true, "10": "ten", "9": "nine" },
        payload: { prompt: { bytes: `p${index}`, media: "text/plain" }, response: { bytes: "r", media: "text/plain" } },
      });
      await clock.advance(10);
    }
  }
  return log;
}

function alter(folder: string, sql: string, ...params: (string | number | Uint8Array)[]): void {
  using db = new DatabaseSync(filesOf(folder).databasePath);
  db.prepare(sql).run(...params);
}

/** Every change of one value in every row of the log's tables. */
const COLUMN_CHANGES: string[] = [
  ...[
    "ts_ms = ts_ms + 1",
    "kind = kind || 'x'",
    "actor_type = 'person'",
    "actor_id = 'x'",
    "status = 'x'",
    "seq = seq + 100",
  ],
  ...["run", "task", "plugin", "model", "status"].flatMap((column) => [`${column} = 'x'`, `${column} = NULL`]),
  "body = CAST(replace(CAST(body AS TEXT), '\"n\":', '\"m\":') AS BLOB)",
  "body = CAST(CAST(body AS TEXT) || ' ' AS BLOB)",
  "body = x''",
  "leaf = zeroblob(32)",
];

test("[AU15] an untouched log verifies with 0", async () => {
  using folder = createTempFolder();
  const log = await writeLog(folder.path);
  const report = verifyLog({ ...filesOf(folder.path), expectedLog: log }, clock);
  expect(report).toMatchObject({
    exitCode: 0,
    log,
    entries: 8,
    checkpoints: 2,
    outsideCheckpoints: 2,
    entriesSinceOutside: 0,
    findings: [],
  });
  expect(report.root).toMatch(/^[0-9a-f]{64}$/);
});

test("[AU16] every changed column, moved or deleted row is found and its entry named", async () => {
  using folder = createTempFolder();
  await writeLog(folder.path);
  const missed: string[] = [];
  const check = (what: string, seq: number | undefined, sql: string): void => {
    using copy = createTempFolder();
    cpSync(folder.path, copy.path, { recursive: true });
    alter(copy.path, sql);
    const { exitCode, findings } = verifyLog(filesOf(copy.path), clock);
    if (exitCode !== 1 || (seq !== undefined && findings[0]?.seq !== seq))
      missed.push(`${what}: ${JSON.stringify(findings[0])}`);
  };
  for (let seq = 0; seq < 8; seq++) {
    for (const change of COLUMN_CHANGES)
      check(`${change} of ${seq}`, seq, `UPDATE audit_entry SET ${change} WHERE seq = ${seq}`);
    check(`delete ${seq}`, seq, `DELETE FROM audit_entry WHERE seq = ${seq}`);
    for (const id of [seq * 16, seq * 16 + 1]) {
      for (const change of [
        "role = 'x'",
        "salt = NULL",
        "salt = zeroblob(16)",
        "bytes = NULL",
        "bytes = x'00'",
        "id = id + 2",
      ]) {
        check(`payload ${id} ${change}`, seq, `UPDATE audit_payload SET ${change} WHERE id = ${id}`);
      }
      check(`payload ${id} deleted`, seq, `DELETE FROM audit_payload WHERE id = ${id}`);
    }
    check(`payload added to ${seq}`, seq, `INSERT INTO audit_payload VALUES (${seq * 16 + 2}, 'x', x'00', x'00')`);
  }
  check("payload before the first", undefined, "INSERT INTO audit_payload VALUES (-1, 'x', x'00', x'00')");
  check("payload after the last", 9, "INSERT INTO audit_payload VALUES (144, 'x', x'00', x'00')");
  check(
    "swapped",
    2,
    "UPDATE audit_entry SET body = (SELECT body FROM audit_entry WHERE seq = 3), leaf = (SELECT leaf FROM audit_entry WHERE seq = 3) WHERE seq = 2",
  );
  check(
    "inserted",
    8,
    "INSERT INTO audit_entry SELECT 8, ts_ms, kind, actor_type, actor_id, run, task, plugin, model, status, body, leaf FROM audit_entry WHERE seq = 7",
  );
  for (const change of ["size = 7", "log = 'other'", "frontier = zeroblob(32)", "frontier = x''"]) {
    check(`head ${change}`, undefined, `UPDATE audit_head SET ${change}`);
  }
  check("no head", undefined, "DELETE FROM audit_head");
  for (const size of [4, 8]) {
    check(`checkpoint ${size} moved`, undefined, `UPDATE audit_checkpoint SET size = size + 1 WHERE size = ${size}`);
    check(
      `checkpoint ${size} changed`,
      undefined,
      `UPDATE audit_checkpoint SET note = replace(note, 'log_', 'lag_') WHERE size = ${size}`,
    );
    check(`checkpoint ${size} deleted`, undefined, `DELETE FROM audit_checkpoint WHERE size = ${size}`);
  }
  check("trigger", undefined, "CREATE TRIGGER t AFTER INSERT ON audit_entry BEGIN DELETE FROM audit_payload; END");
  expect(missed).toEqual([]);
});

test("[AU16] a flipped bit in any byte of a body, leaf, payload, salt or frontier is found", async () => {
  using folder = createTempFolder();
  await writeLog(folder.path, [2]);
  using db = new DatabaseSync(filesOf(folder.path).databasePath);
  const missed: string[] = [];
  const cells = [
    ["audit_entry", "body", "seq"],
    ["audit_entry", "leaf", "seq"],
    ["audit_payload", "bytes", "id"],
    ["audit_payload", "salt", "id"],
    ["audit_head", "frontier", "id"],
  ] as const;
  for (const [table, column, key] of cells) {
    for (const row of db.prepare(`SELECT ${key} AS key, ${column} AS value FROM ${table}`).all()) {
      const original = row.value as Uint8Array;
      const update = db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`);
      // Nine apart: every byte, another bit of each.
      for (let bit = 0; bit < original.length * 8; bit += 9) {
        const changed = Uint8Array.from(original);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        update.run(changed, row.key!);
        if (verifyLog(filesOf(folder.path), clock).exitCode !== 1)
          missed.push(`${table}.${column} ${String(row.key)} bit ${bit}`);
      }
      update.run(original, row.key!);
    }
  }
  expect(missed).toEqual([]);
  expect(verifyLog(filesOf(folder.path), clock).exitCode).toBe(0);
});

test("[AU16] every changed byte of the outside copy and of the verifier keys is found", async () => {
  using folder = createTempFolder();
  const log = await writeLog(folder.path);
  const files = filesOf(folder.path);
  const missed: string[] = [];
  for (const path of [
    join(files.outsideRoot, log, "checkpoints"),
    join(files.outsideRoot, log, "audit.vkey"),
    join(files.keysFolder, "audit.vkey"),
  ]) {
    const original = readFileSync(path);
    // The last line's end is white space of no meaning in a key file.
    const length = path.endsWith("vkey") ? original.length - 1 : original.length;
    for (let index = 0; index < length; index++) {
      const changed = Buffer.from(original);
      changed[index] = (changed[index] ?? 0) ^ 1;
      writeFileSync(path, changed);
      const { exitCode } = verifyLog(files, clock);
      if (exitCode === 0) missed.push(`${path} byte ${index}`);
    }
    writeFileSync(path, original);
  }
  expect(missed).toEqual([]);
  rmSync(join(files.keysFolder, "audit.vkey"));
  expect(verifyLog(files, clock).exitCode).toBe(1);
});

/** Rewrites the log so that it is consistent in itself, as its owner without an outside copy could. */
function rewrite(folder: string, keep: number, change: (body: string) => string): void {
  using db = new DatabaseSync(filesOf(folder).databasePath);
  db.prepare("DELETE FROM audit_entry WHERE seq >= ?").run(keep);
  db.prepare("DELETE FROM audit_payload WHERE id >= ?").run(keep * 16);
  db.prepare("DELETE FROM audit_checkpoint WHERE size > ?").run(keep);
  let frontier = Frontier.EMPTY;
  for (const { seq, body } of db.prepare("SELECT seq, body FROM audit_entry ORDER BY seq").all()) {
    const bytes = Buffer.from(change(Buffer.from(body as Uint8Array).toString("utf8")), "utf8");
    const leaf = leafHash(bytes);
    db.prepare("UPDATE audit_entry SET body = ?, leaf = ? WHERE seq = ?").run(bytes, leaf, seq!);
    frontier = frontier.append(leaf);
  }
  db.prepare("UPDATE audit_head SET size = ?, frontier = ?").run(frontier.size, frontier.encode());
}

test("[AU17] a cut-off end and a rewrite of the same length are found by the outside copy", async () => {
  for (const keep of [0, 3, 4, 7]) {
    using folder = createTempFolder();
    await writeLog(folder.path);
    rewrite(folder.path, keep, (body) => body);
    const report = verifyLog(filesOf(folder.path), clock);
    expect(report).toMatchObject({ exitCode: 1, entries: keep });
    expect(report.findings.map(({ message }) => message).join()).toContain("the end of the log was cut off");
  }
  using folder = createTempFolder();
  await writeLog(folder.path);
  rewrite(folder.path, 8, (body) => body.replace('"flag":true', '"flag":false'));
  const { findings } = verifyLog(filesOf(folder.path), clock);
  expect(findings[0]?.message).toMatch(
    /does not have the root that its (stored|outside) checkpoint of 4 entries signed/,
  );
});

test("[AU18] without an outside copy the answer is 2, and a clock that went back is a note", async () => {
  using folder = createTempFolder();
  await writeLog(folder.path);
  const files = filesOf(folder.path);
  expect(verifyLog({ ...files, outsideRoot: join(folder.path, "nowhere") }, clock)).toMatchObject({
    exitCode: 2,
    entriesSinceOutside: 8,
    findings: [{ severity: "incomplete" }],
  });
  using other = createTempFolder();
  await writeLog(other.path, [2]);
  await clock.advance(-5000);
  await writeLog(other.path, [1]);
  expect(verifyLog(filesOf(other.path), clock)).toMatchObject({
    exitCode: 0,
    findings: [{ severity: "note", seq: 2, message: expect.stringContaining("went back") }],
  });
});

test("[AU10] [AU16] an outside copy that was cut short is a note, other text at its end is tampering", async () => {
  using folder = createTempFolder();
  const log = await writeLog(folder.path);
  const files = filesOf(folder.path);
  const path = join(files.outsideRoot, log, "checkpoints");
  truncateSync(path, readFileSync(path).length - 20);
  expect(verifyLog(files, clock)).toMatchObject({
    exitCode: 0,
    outsideCheckpoints: 1,
    findings: [{ severity: "note" }],
  });
  writeFileSync(path, "something else", { flag: "a" });
  expect(verifyLog(files, clock)).toMatchObject({ exitCode: 1 });
});

test("[AU12] [AU16] another log in the place of the expected one is found", async () => {
  using folder = createTempFolder();
  await writeLog(folder.path);
  expect(verifyLog({ ...filesOf(folder.path), expectedLog: "log_expected" }, clock)).toMatchObject({ exitCode: 1 });
});

test("[AU19] the verifier changes nothing and throws nothing for what the files hold", async () => {
  using folder = createTempFolder();
  await writeLog(folder.path);
  const files = filesOf(folder.path);
  const digest = (): string => hash("sha256", readFileSync(files.databasePath), "hex");
  const before = digest();
  verifyLog(files, clock);
  expect(digest()).toBe(before);
  truncateSync(files.databasePath, 20_000);
  expect(verifyLog(files, clock)).toMatchObject({ exitCode: 1 });
  writeFileSync(files.databasePath, "no database".repeat(1000));
  expect(verifyLog(files, clock)).toMatchObject({ exitCode: 1, entries: 0 });
  rmSync(files.databasePath);
  expect(verifyLog(files, clock)).toMatchObject({ exitCode: 2, entries: 0 });
});

test("[AU16] a log in which everything is wrong names the first faults and counts the rest", async () => {
  using folder = createTempFolder();
  await writeLog(folder.path, [60]);
  alter(folder.path, "UPDATE audit_entry SET kind = 'x', leaf = zeroblob(32)");
  const { findings } = verifyLog(filesOf(folder.path), clock);
  expect(findings).toHaveLength(101);
  expect(findings[0]).toMatchObject({ severity: "tampered", seq: 0 });
  expect(findings.at(-1)).toEqual({ severity: "note", message: "20 more findings are not listed." });
});
