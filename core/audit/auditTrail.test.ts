import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync, appendFileSync } from "node:fs";
import { hash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AuditEntrySchema, type AuditEntry, type JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { canonicalJson, createIdSource } from "../base/index.ts";
import {
  createInlineReader,
  createInlineWriter,
  createWriterCore,
  loadMigrations,
  migrateDatabase,
  openWritingConnection,
  type CreateWriterModule,
} from "../db/index.ts";
import type { AuditEntryDraft, Logger } from "../ports/index.ts";
import { createSeededRandom, createTempFolder, FakeClock, silentLogger } from "../testing/index.ts";
import { createAuditWriterModule, openAuditTrail, verifyLog, type AuditTrail } from "./index.ts";
import { listUnended } from "./unended.ts";

const MIGRATIONS = loadMigrations(new URL("../db/migrations/", import.meta.url));

const refusalModule: CreateWriterModule = () => ({
  name: "x",
  commands: {
    "x.refuse": () => {
      throw new Error("refused");
    },
  },
});

/** The log over a real file, with the writer on this thread. */
async function open(folder: string, { seed = 1, clock = new FakeClock() } = {}) {
  const path = join(folder, "x.db");
  migrateDatabase({ path, migrations: MIGRATIONS });
  const db = openWritingConnection({ path, synchronous: "NORMAL" });
  const random = createSeededRandom(seed);
  const core = createWriterCore({ db, modules: [createAuditWriterModule, refusalModule], clock, random });
  const writer = createInlineWriter(core);
  const ids = createIdSource({ clock, random });
  const errors: object[] = [];
  const logger: Logger = { ...silentLogger, error: (fields, message) => void errors.push({ ...fields, message }) };
  const files = { databasePath: path, keysFolder: join(folder, "keys"), outsideRoot: join(folder, "outside") };
  const trail = await openAuditTrail({
    ...files,
    writer,
    reader: createInlineReader(db),
    jobs: {
      verify: () => Promise.resolve(verifyLog(files, clock)),
      listUnended: (query) => Promise.resolve(listUnended({ ...query, databasePath: path })),
    },
    clock,
    random,
    logger,
    newLogId: () => ids.next("log"),
  });
  const close = async () => {
    await trail[Symbol.asyncDispose]();
    db.close();
  };
  return { trail, writer, db, clock, errors, files, close };
}

const DRAFT: AuditEntryDraft = {
  kind: "llm.response",
  actor: { type: "workflow", id: "wf" },
  trace: { run: "run_1", model: "mock", status: "ok" },
  data: { b: 2, a: ["x", true, { n: -1 }], é: "ü" },
  payload: { response: { bytes: "hello", media: "text/plain" }, prompt: { bytes: "why?", media: "text/plain" } },
};
const entry = (kind: string): AuditEntryDraft => ({ kind, actor: { type: "system", id: "test" } });

async function fill(trail: AuditTrail, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => trail.append(entry(`k.${index}`))));
}

test("the newest entry of a kind is found, or that there is none", async () => {
  using folder = createTempFolder();
  const { trail, close } = await open(folder.path);
  for (const kind of ["a", "b", "a", "b"]) await trail.append(entry(kind));
  expect([trail.newestOf("a")?.seq, trail.newestOf("b")?.seq, trail.newestOf("c")]).toEqual([2, 3, undefined]);
  await close();
});

test("[AU1] [AU4] an entry is stored as its canonical bytes, payloads behind salted commitments", async () => {
  using folder = createTempFolder();
  const { trail, db, clock, close } = await open(folder.path);
  expect(await trail.append(DRAFT)).toEqual({ seq: 0 });
  const row = db.prepare("SELECT body, leaf FROM audit_entry").get();
  const bytes = Buffer.from(row?.body as Uint8Array);
  const body = JSON.parse(bytes.toString("utf8"));
  const salts = db
    .prepare("SELECT salt FROM audit_payload ORDER BY id")
    .all()
    .map(({ salt }) => salt as Uint8Array);
  const commit = (salt: Uint8Array | undefined, text: string) =>
    hash("sha256", Buffer.concat([salt!, Buffer.from(text)]), "hex");
  expect(salts.map((salt) => salt.length)).toEqual([16, 16]);
  expect(body).toEqual({
    v: 1,
    log: trail.logId,
    seq: 0,
    ts: new Date(clock.nowMs()).toISOString(),
    kind: DRAFT.kind,
    actor: DRAFT.actor,
    trace: DRAFT.trace,
    data: DRAFT.data,
    payload: {
      prompt: { commit: commit(salts[0], "why?"), len: 4, media: "text/plain" },
      response: { commit: commit(salts[1], "hello"), len: 5, media: "text/plain" },
    },
  });
  expect(canonicalJson(body)).toBe(bytes.toString("utf8"));
  expect(row?.leaf).toEqual(new Uint8Array(hash("sha256", Buffer.concat([Buffer.from([0]), bytes]), "buffer")));
  const read = await trail.getEntry(0);
  expect(AuditEntrySchema.parse(read)).toEqual(read);
  expect(read.payloads).toEqual({ prompt: "why?", response: "hello" });
  await close();
});

test("[AU3] what other languages would write differently is refused, broken text is repaired", async () => {
  using folder = createTempFolder();
  const { trail, close } = await open(folder.path);
  for (const value of [0.5, Number.NaN, 2 ** 53, null]) {
    expect(() => trail.command({ ...DRAFT, data: { value } })).toThrow(/holds/);
  }
  await trail.append({
    ...DRAFT,
    actor: { type: "plugin", id: "\ud800" },
    data: { "\udfff": "a\ud800", list: ["\udc00"] },
  });
  expect(await trail.getEntry(0)).toMatchObject({
    actor: { id: "\ufffd" },
    data: { "\ufffd": "a\ufffd", list: ["\ufffd"] },
  });
  expect((await trail.verify()).findings.filter(({ severity }) => severity === "tampered")).toEqual([]);
  await close();
});

test("[AU1] [AU4] whatever the texts and the length of the payloads, bodies are canonical and commitments hold", async () => {
  using folder = createTempFolder();
  const { trail, db, close } = await open(folder.path);
  const long = "ü€😀".repeat(30_000);
  await trail.append({
    kind: "k\u2028",
    actor: { type: "client", id: '"\\\u0001' },
    data: { "\udc00b": 1, "\ue000": 2, a: 3, "\u{1f600}": 4, constructor: "é", ["__proto__"]: { x: [] } },
    payload: {
      long: { bytes: long, media: "text/plain" },
      broken: { bytes: "a\ud800b", media: "text/plain" },
      binary: { bytes: Uint8Array.of(0, 255), media: "application/octet-stream" },
      empty: { bytes: "", media: "text/plain" },
    },
  });
  const body = Buffer.from(db.prepare("SELECT body FROM audit_entry").get()?.body as Uint8Array).toString("utf8");
  expect(body).toBe(canonicalJson(JSON.parse(body)));
  const { payloads } = await trail.getEntry(0);
  expect(payloads).toMatchObject({ long, broken: "a\ufffdb", empty: "" });
  expect((await trail.verify()).findings.filter(({ severity }) => severity === "tampered")).toEqual([]);
  await close();
});

test("[AU4] a body or payload beyond its limit is refused", async () => {
  using folder = createTempFolder();
  const { trail, close } = await open(folder.path);
  const big = { bytes: new Uint8Array(16 * 1024 * 1024 + 1), media: "text/plain" };
  await expect(trail.append({ ...DRAFT, payload: { p: big } })).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
  await expect(trail.append({ ...DRAFT, data: { x: "é".repeat(33_000) } })).rejects.toMatchObject({
    code: "LM_TOO_LARGE",
  });
  await trail.append({ ...DRAFT, data: { x: "e".repeat(60_000) } });
  await close();
});

test("[AU2] [AU5] entries commit with their unit or not at all, and numbers stay contiguous", async () => {
  using folder = createTempFolder();
  const { trail, writer, db, close } = await open(folder.path);
  const refuse = { name: "x.refuse", params: null };
  const outcomes = await Promise.allSettled([
    writer.run([trail.command(entry("a"))]),
    writer.run([trail.command(entry("b")), refuse]),
    writer.run([trail.command(entry("c"))]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(db.prepare("SELECT seq, kind FROM audit_entry ORDER BY seq").all()).toMatchObject([
    { seq: 0, kind: "a" },
    { seq: 1, kind: "c" },
  ]);
  expect(trail.head().entries).toBe(2);
  await close();
});

test("[AU20] what began and did not end is found, however far back, and only below the size that is asked for", async () => {
  using folder = createTempFolder();
  const { trail, db, close } = await open(folder.path);
  const end = (kind: string, request: unknown) => trail.append({ ...entry(kind), data: { request } as JsonObject });
  const query = { begin: "q.asked", ends: ["q.answered", "q.lost"], before: 12_000 };
  const listed = async (before = query.before) =>
    (await trail.listUnended({ ...query, before })).map(({ seq, kind }) => ({ seq, kind }));
  expect(await listed()).toEqual([]);
  await fill(trail, 1);
  for (let seq = 1; seq <= 6; seq += 1) await trail.append(entry("q.asked"));
  await end("q.answered", 2);
  await end("q.lost", 4);
  await Promise.all(Array.from({ length: 11_990 }, () => trail.append(entry("other"))));
  await end("q.answered", 5);
  const [asked, late] = [await trail.append(entry("q.asked")), await end("q.answered", 6)].map(({ seq }) => seq);
  expect([asked, late]).toEqual([12_000, 12_001]);
  expect(await listed()).toEqual([1, 3, 6].map((seq) => ({ seq, kind: "q.asked" })));
  expect(await listed(12_002)).toEqual([1, 3, 12_000].map((seq) => ({ seq, kind: "q.asked" })));
  for (const seq of [1, 3, 12_000]) await end("q.lost", seq);
  expect(await listed(13_000)).toEqual([]);
  // Where as many ended as began, bodies are not looked at.
  db.exec("UPDATE audit_entry SET body = CAST('not JSON' AS BLOB)");
  expect(await listed(13_000)).toEqual([]);
  await close();
}, 60_000);

test("[AU6] [AU7] lost entries are on record before anything else is written", async () => {
  using folder = createTempFolder();
  const { trail, db, errors, close } = await open(folder.path);
  await trail.append(entry("before"));
  const pages = Number(db.prepare("PRAGMA page_count").get()?.page_count);
  db.exec(`PRAGMA max_page_count = ${pages}`);
  const bulky = { ...DRAFT, payload: { p: { bytes: "x".repeat(200_000), media: "text/plain" } } };
  trail.enqueue(bulky);
  trail.enqueue({ ...bulky, data: { x: 0.5 } });
  const heard: unknown[] = [];
  using _listener = trail.onDidFail((error) => heard.push(error.data));
  await expect(trail.append(bulky)).rejects.toMatchObject({
    code: "LM_AUDIT_UNWRITABLE",
    data: { code: "LM_DB_FULL" },
  });
  expect(heard).toContainEqual({ code: "LM_DB_FULL" });
  db.exec("PRAGMA max_page_count = 1000000");
  expect(errors).toHaveLength(2);
  await trail.append(entry("after"));
  const { items } = await trail.query({ limit: 10 });
  expect(items.map(({ kind, data }) => ({ kind, data }))).toEqual([
    { kind: "after", data: {} },
    { kind: "audit.gap", data: { lost: 2 } },
    { kind: "before", data: {} },
  ]);
  await close();
});

test("[AU7] queued entries share a commit, keep their order, and come before what is appended or asked later", async () => {
  using folder = createTempFolder();
  const { trail, db, clock, close } = await open(folder.path);
  const stored = () =>
    db
      .prepare("SELECT kind FROM audit_entry ORDER BY seq")
      .all()
      .map(({ kind }) => kind);
  trail.enqueue(entry("q.1"));
  trail.enqueue(entry("q.2"));
  expect(stored()).toEqual([]);
  await clock.advance(2);
  expect(stored()).toEqual(["q.1", "q.2"]);
  trail.enqueue(entry("q.3"));
  await trail.append(entry("a.1"));
  trail.enqueue(entry("q.4"));
  expect((await trail.query({ limit: 1 })).items.map(({ kind }) => kind)).toEqual(["q.4"]);
  for (let index = 0; index < 256; index += 1) trail.enqueue(entry("many"));
  trail.enqueue(entry("last"));
  await trail[Symbol.asyncDispose]();
  expect(stored().slice(0, 5)).toEqual(["q.1", "q.2", "q.3", "a.1", "q.4"]);
  expect(stored().slice(-2)).toEqual(["many", "last"]);
  await close();
});

test("[AU9] checkpoints come every 256 entries, after five minutes and at the end, inside and outside", async () => {
  using folder = createTempFolder();
  const { trail, clock, files, close } = await open(folder.path);
  await fill(trail, 255);
  await clock.advance(1000);
  expect((await trail.listCheckpoints({ limit: 10 })).items).toEqual([]);
  await fill(trail, 1);
  await expect.poll(() => trail.head().entriesSinceOutside).toBe(0);
  await fill(trail, 3);
  expect(trail.head()).toEqual({ entries: 259, entriesSinceOutside: 3 });
  await clock.advance(5 * 60_000);
  await expect.poll(() => trail.head().entriesSinceOutside).toBe(0);
  await fill(trail, 1);
  await trail[Symbol.asyncDispose]();
  const page = await trail.listCheckpoints({ limit: 2 });
  expect(page.items.map(({ size }) => size)).toEqual([260, 259]);
  const rest = await trail.listCheckpoints({ limit: 2, cursor: page.nextCursor! });
  expect(rest).toMatchObject({ items: [{ size: 256 }], nextCursor: null });
  const outside = readFileSync(join(files.outsideRoot, trail.logId, "checkpoints"), "utf8");
  expect(outside).toBe([rest.items[0]!, page.items[1]!, page.items[0]!].map(({ note }) => note).join(""));
  await close();
});

test("[AU8] [AU10] [AU15] a log goes on after a restart, and copies outside what a failure left behind", async () => {
  using folder = createTempFolder();
  const first = await open(folder.path);
  const blocked = join(first.files.outsideRoot, first.trail.logId);
  mkdirSync(first.files.outsideRoot);
  writeFileSync(blocked, "a file where the folder should be");
  await fill(first.trail, 7);
  await first.close();
  expect(first.errors).toMatchObject([{ message: expect.stringContaining("could not be copied") }]);
  rmSync(blocked);
  const second = await open(folder.path, { seed: 2 });
  expect(second.trail.head()).toEqual({ entries: 7, entriesSinceOutside: 0 });
  appendFileSync(join(blocked, "checkpoints"), "logomesh.local/half");
  await fill(second.trail, 4);
  second.db.close();
  const third = await open(folder.path, { seed: 3 });
  await fill(third.trail, 2);
  await third.close();
  expect(verifyLog(third.files, third.clock)).toMatchObject({
    exitCode: 0,
    entries: 13,
    outsideCheckpoints: 2,
    findings: [],
  });
});

test("[AU11] a log that was cut off behind its outside checkpoint signs nothing more", async () => {
  using folder = createTempFolder();
  const first = await open(folder.path);
  await fill(first.trail, 5);
  await first.close();
  rmSync(first.files.databasePath);
  const second = await open(folder.path, { seed: 2 });
  expect(second.errors).toMatchObject([{ outsideSize: 5, size: 0 }]);
  await fill(second.trail, 9);
  await second.close();
  expect(verifyLog(second.files, second.clock).exitCode).toBe(1);
  using db = new DatabaseSync(second.files.databasePath);
  expect(db.prepare("SELECT count(*) AS n FROM audit_checkpoint").get()).toMatchObject({ n: 0 });
});

test("[AU12] the key is the owner's alone, and keys of another log are refused", async () => {
  using folder = createTempFolder();
  const first = await open(folder.path);
  const keyPath = join(first.files.keysFolder, "audit.key");
  expect(statSync(keyPath).mode & 0o777).toBe(0o600);
  await first.close();
  chmodSync(keyPath, 0o644);
  await (await open(folder.path)).close();
  expect(statSync(keyPath).mode & 0o777).toBe(0o600);
  const tampered = expect.objectContaining({ code: "LM_AUDIT_TAMPERED" });
  const vkeyPath = join(first.files.keysFolder, "audit.vkey");
  const vkey = readFileSync(vkeyPath, "utf8");
  for (const text of ["", "no key", vkey.replace("log_", "lag_"), vkey.trim().slice(0, -4)]) {
    writeFileSync(vkeyPath, text);
    await expect(open(folder.path)).rejects.toEqual(tampered);
  }
  rmSync(first.files.keysFolder, { recursive: true });
  await expect(open(folder.path, { seed: 9 })).rejects.toEqual(tampered);
});

test("[AU12] a log whose newest entry is missing is refused at start", async () => {
  using folder = createTempFolder();
  const first = await open(folder.path);
  await fill(first.trail, 3);
  await first.close();
  using db = new DatabaseSync(first.files.databasePath);
  db.exec("DELETE FROM audit_entry WHERE seq = 2");
  await expect(open(folder.path)).rejects.toMatchObject({ code: "LM_AUDIT_TAMPERED", data: { size: 3, newest: 1 } });
});

test("[AU13] [AU14] queries filter by every column, by time and by text, newest first", async () => {
  using folder = createTempFolder();
  const { trail, clock, close } = await open(folder.path);
  const startMs = clock.nowMs();
  for (let index = 0; index < 12; index++) {
    await trail.append({
      kind: index % 2 === 0 ? "plugin.called" : "llm.request",
      actor: { type: "client", id: index % 3 === 0 ? "cli" : "web" },
      trace: {
        run: `run_${index % 4}`,
        plugin: `p${index % 2}`,
        model: `m${index % 5}`,
        status: index === 7 ? "error" : "ok",
      },
      payload: { text: { bytes: `Value 100%_${index}`, media: "text/plain" } },
    });
    await clock.advance(1000);
  }
  const find = async (query: object): Promise<number[]> =>
    (await trail.query({ limit: 50, ...query })).items.map(({ seq }) => seq);
  expect(await find({ kind: "llm.request" })).toEqual([11, 9, 7, 5, 3, 1]);
  expect(await find({ actor: "cli" })).toEqual([9, 6, 3, 0]);
  expect(await find({ run: "run_1", kind: "plugin.called" })).toEqual([]);
  expect(await find({ run: "run_2" })).toEqual([10, 6, 2]);
  expect(await find({ plugin: "p1", model: "m3" })).toEqual([3]);
  expect(await find({ status: "error" })).toEqual([7]);
  expect(
    await find({ from: new Date(startMs + 3000).toISOString(), to: new Date(startMs + 5000).toISOString() }),
  ).toEqual([5, 4, 3]);
  expect(await find({ q: "value 100%_1" })).toEqual([11, 10, 1]);
  expect(await find({ q: "100__" })).toEqual([]);
  expect(await find({ q: "run_3", kind: "llm.request" })).toEqual([11, 7, 3]);
  for (const query of [{}, { q: "Value" }]) {
    const seen: AuditEntry[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await trail.query({ limit: 5, ...query, ...(cursor === undefined ? {} : { cursor: cursor! }) });
      seen.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen.map(({ seq }) => seq)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  }
  await expect(trail.getEntry(12)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await expect(trail.getEntry(0.5)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await expect(trail.query({ limit: 1, cursor: "x" })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
  await close();
});

test("[AU30] more than the queue holds waits for room, and nothing is lost", async () => {
  using folder = createTempFolder();
  const { trail, close, errors } = await open(folder.path);
  const before = trail.head().entries;
  for (let index = 1; index < 8_192; index += 1) trail.enqueue(entry("k"));
  expect(trail.room()).toBeUndefined();
  trail.enqueue(entry("k"));
  expect(trail.room()).toBeInstanceOf(Promise);
  await trail.room();
  expect(trail.room()).toBeUndefined();
  await trail.append(entry("last"));
  const { entries } = trail.head();
  expect([entries - before, trail.newestOf("audit.gap"), errors]).toEqual([8_193, undefined, []]);
  const megabyte = "x".repeat(1_048_576);
  for (let index = 0; index < 64; index += 1)
    trail.enqueue({ ...entry("k"), payload: { p: { bytes: megabyte, media: "text/plain" } } });
  expect(trail.room()).toBeInstanceOf(Promise);
  await trail.append(entry("last"));
  expect(trail.room()).toBeUndefined();
  await close();
});

test("[AU30] a log that cannot be written lets nobody wait for ever", async () => {
  using folder = createTempFolder();
  const { trail, db, close, errors } = await open(folder.path);
  db.exec("ALTER TABLE audit_entry RENAME TO gone");
  for (let index = 0; index < 8_192; index += 1) trail.enqueue(entry("k"));
  await trail.room();
  expect(errors.length).toBeGreaterThan(0);
  db.exec("ALTER TABLE gone RENAME TO audit_entry");
  await close();
});
