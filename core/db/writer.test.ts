import { DatabaseSync } from "node:sqlite";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createSeededRandom, createTempFolder, FakeClock } from "../testing/index.ts";
import { openWritingConnection } from "./connection.ts";
import { createInlineWriter } from "./inlineWriter.ts";
import type { CreateWriterModule, WriteContext } from "./writeContext.ts";
import { createWriterCore } from "./writer.ts";

/** A counter in memory beside its table, as the log keeps its frontier. */
const counterModule: CreateWriterModule = (connection) => {
  connection.sql("CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT").run();
  let count = 0;
  let noticed = 0;
  return {
    name: "item",
    commands: {
      "item.add": (context: WriteContext, { value }: { value: string | null }) => {
        count++;
        context.sql("INSERT INTO item (value) VALUES (?)").run(value);
        return count;
      },
      "item.refuse": () => {
        throw new LogoMeshError("LM_CONFLICT", "No.");
      },
      "item.count": () => count,
      "item.sql": (context: WriteContext, { sql }: { sql: string }) => {
        context.sql(sql).run();
      },
    },
    participant: {
      mark: () => count,
      restore(mark) {
        count = mark as number;
      },
      takeNotice() {
        if (noticed === count) return undefined;
        noticed = count;
        return { count };
      },
    },
  };
};

function setUp(db = new DatabaseSync(":memory:")) {
  const core = createWriterCore({
    db,
    modules: [counterModule],
    clock: new FakeClock(),
    random: createSeededRandom(1),
  });
  return { db, core, writer: createInlineWriter(core) };
}

const add = (value: string | null) => ({ name: "item.add", params: { value } });
const refuse = { name: "item.refuse", params: null };
const values = (db: DatabaseSync) =>
  db
    .prepare("SELECT value FROM item ORDER BY id")
    .all()
    .map(({ value }) => value);

const codeOf = (reason: unknown): unknown => (reason instanceof LogoMeshError ? reason.code : reason);

test("[DB1] a unit answers one result for each command and is applied as a whole", async () => {
  const { db, writer } = setUp();
  expect(await writer.run([add("a"), add("b")])).toEqual([1, 2]);
  await expect(writer.run([add("c"), refuse])).rejects.toMatchObject({ code: "LM_CONFLICT", message: "No." });
  expect(values(db)).toEqual(["a", "b"]);
});

test("[DB2] [DB4] [DB5] a refused unit leaves its neighbours and the memory beside the tables intact", async () => {
  const { db, writer } = setUp();
  const outcomes = await Promise.allSettled([
    writer.run([add("a")]),
    writer.run([add("b"), refuse]),
    writer.run([add(null)]),
    writer.run([add("c")]),
  ]);
  expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : codeOf(outcome.reason)))).toEqual([
    [1],
    "LM_CONFLICT",
    "LM_DB_FAILED",
    [2],
  ]);
  expect(values(db)).toEqual(["a", "c"]);
});

test("[DB2] an unknown command refuses only its unit, and as a bug", async () => {
  const { writer } = setUp();
  const [known, unknown] = await Promise.allSettled([writer.run([add("a")]), writer.run([{ name: "x", params: 0 }])]);
  expect(known.status).toBe("fulfilled");
  expect(unknown).toMatchObject({ status: "rejected", reason: { code: "LM_INTERNAL" } });
});

test("[DB3] [DB4] a commit that fails refuses every unit and stores nothing", async () => {
  const { db, writer } = setUp();
  db.exec(
    "PRAGMA foreign_keys = ON; CREATE TABLE child (p INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
  );
  const outcomes = await Promise.allSettled([
    writer.run([add("a")]),
    writer.run([{ name: "item.sql", params: { sql: "INSERT INTO child VALUES (99)" } }]),
  ]);
  expect(outcomes).toMatchObject([
    { status: "rejected", reason: { code: "LM_DB_FAILED" } },
    { status: "rejected", reason: { code: "LM_DB_FAILED" } },
  ]);
  expect(db.isTransaction).toBe(false);
  expect(await writer.run([{ name: "item.count", params: null }, add("b")])).toEqual([0, 1]);
  expect(values(db)).toEqual(["b"]);
});

test("[DB3] [DB6] when SQLite ends the transaction by itself, the whole batch is refused and the next one works", async () => {
  const { db, writer } = setUp();
  const outcomes = await Promise.allSettled([
    writer.run([add("a")]),
    writer.run([{ name: "item.sql", params: { sql: "INSERT OR ROLLBACK INTO item (id, value) VALUES (1, NULL)" } }]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await writer.run([add("b")])).toEqual([1]);
  expect(values(db)).toEqual(["b"]);
});

test("[DB4] a module tells after the commit what changed, and nothing after a refusal", async () => {
  const { writer } = setUp();
  const notices: unknown[] = [];
  using _subscription = writer.onDidCommit("item", (notice) => notices.push(notice));
  await Promise.allSettled([writer.run([add("a")]), writer.run([add("b")]), writer.run([refuse])]);
  await expect(writer.run([add("c"), refuse])).rejects.toThrow();
  await writer.flush();
  expect(notices).toEqual([{ count: 2 }]);
});

test("[DB6] a file that may not grow is LM_DB_FULL, and writing goes on when it may", async () => {
  using folder = createTempFolder();
  const db = openWritingConnection({ path: `${folder.path}/x.db`, synchronous: "FULL" });
  const { writer } = setUp(db);
  await writer.run([add("kept")]);
  const pages = Number(db.prepare("PRAGMA page_count").get()?.page_count);
  db.exec(`PRAGMA max_page_count = ${pages}`);
  await expect(writer.run([add("x".repeat(100_000))])).rejects.toMatchObject({ code: "LM_DB_FULL", retryable: true });
  db.exec("PRAGMA max_page_count = 1000000");
  await writer.run([add("y".repeat(100_000))]);
  expect(values(db)).toEqual(["kept", "y".repeat(100_000)]);
  db.close();
});

test("[DB6] another connection's lock is LM_DB_LOCKED, and writing goes on when it is gone", async () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  const { db, writer } = setUp(openWritingConnection({ path, synchronous: "NORMAL", busyTimeoutMs: 0 }));
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await expect(writer.run([add("a")])).rejects.toMatchObject({ code: "LM_DB_LOCKED", retryable: true });
  other.exec("ROLLBACK");
  expect(await writer.run([add("a")])).toEqual([1]);
  other.close();
  db.close();
});

test("two modules may not have a command of the same name, nor one that is not theirs", () => {
  const clock = new FakeClock();
  const random = createSeededRandom(1);
  const db = new DatabaseSync(":memory:");
  const stranger: CreateWriterModule = () => ({ name: "other", commands: { "item.add": () => 0 } });
  expect(() => createWriterCore({ db, modules: [counterModule, counterModule], clock, random })).toThrow(
    "Two write commands",
  );
  expect(() => createWriterCore({ db, modules: [stranger], clock, random })).toThrow("must begin with other.");
});
