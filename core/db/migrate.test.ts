import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { loadMigrations, migrateDatabase, schemaText, type Migration } from "./migrate.ts";

const FOLDER = new URL("./migrations/", import.meta.url);
const FIRST: Migration = { version: 1, name: "first", sql: "CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT" };
const SECOND: Migration = { version: 2, name: "second", sql: "CREATE TABLE b (x INTEGER REFERENCES a (x)) STRICT" };

function query(path: string, sql: string): unknown {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

test("[DB11] schema.sql is what the migrations of a new database give (vitest -u writes it)", async () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  const migrations = loadMigrations(FOLDER);
  expect(migrateDatabase({ path, migrations })).toEqual({ from: 0, to: migrations.length });
  using db = new DatabaseSync(path);
  await expect(schemaText(db)).toMatchFileSnapshot("./schema.sql");
  expect(Object.values(db.prepare("PRAGMA auto_vacuum").get() ?? {})).toEqual([2]);
  expect(Object.values(db.prepare("PRAGMA journal_mode").get() ?? {})).toEqual(["wal"]);
  expect(migrateDatabase({ path, migrations })).toEqual({ from: migrations.length, to: migrations.length });
});

test("[DB11] every table is STRICT", () => {
  using db = new DatabaseSync(":memory:");
  for (const { sql } of loadMigrations(FOLDER)) db.exec(sql);
  const lax = db.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
  );
  expect(lax.all()).toEqual([]);
});

test("[DB12] a migration that fails leaves the database as it was", () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  migrateDatabase({ path, migrations: [FIRST] });
  query(path, "INSERT INTO a VALUES (7) RETURNING x");
  const broken: Migration = {
    version: 3,
    name: "broken",
    sql: "CREATE TABLE c (x INTEGER) STRICT; DELETE FROM a; nonsense",
  };
  expect(() => migrateDatabase({ path, migrations: [FIRST, SECOND, broken] })).toThrow(
    /could not be brought to schema 3/,
  );
  expect(query(path, "SELECT x FROM a")).toBe(7);
  expect(query(path, "PRAGMA user_version")).toBe(1);
  expect(query(path, "SELECT count(*) FROM sqlite_master WHERE name IN ('b', 'c')")).toBe(0);
  expect(existsSync(`${path}.before-migration`)).toBe(false);
  expect(migrateDatabase({ path, migrations: [FIRST, SECOND] })).toEqual({ from: 1, to: 2 });
});

test("[DB13] a database of a newer LogoMesh is refused and not touched", () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  migrateDatabase({ path, migrations: [FIRST, SECOND] });
  expect(() => migrateDatabase({ path, migrations: [FIRST] })).toThrow(
    expect.objectContaining({ code: "LM_DB_SCHEMA_NEWER", data: { found: 2, known: 1 } }),
  );
  expect(query(path, "PRAGMA user_version")).toBe(2);
});

test("[DB14] a migration may rebuild a parent table, but not leave rows without their parent", () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  migrateDatabase({ path, migrations: [FIRST, SECOND] });
  query(path, "INSERT INTO a VALUES (1) RETURNING x");
  query(path, "INSERT INTO b VALUES (1) RETURNING x");
  const orphaning: Migration = { version: 3, name: "orphaning", sql: "DELETE FROM a" };
  expect(() => migrateDatabase({ path, migrations: [FIRST, SECOND, orphaning] })).toThrow(/without their parent/);
  const rebuilding: Migration = {
    version: 3,
    name: "rebuilding",
    sql: "CREATE TABLE n (x INTEGER PRIMARY KEY, y TEXT) STRICT; INSERT INTO n (x) SELECT x FROM a; DROP TABLE a; ALTER TABLE n RENAME TO a",
  };
  expect(migrateDatabase({ path, migrations: [FIRST, SECOND, rebuilding] })).toEqual({ from: 2, to: 3 });
  expect(query(path, "SELECT count(*) FROM b")).toBe(1);
});

test("[DB15] an interrupted migration is completed, and its snapshot stays the oldest state until then", () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  migrateDatabase({ path, migrations: [FIRST] });
  writeFileSync(`${path}.before-migration.partial`, "half");
  writeFileSync(`${path}.before-migration`, readFileSync(path));
  migrateDatabase({ path, migrations: [FIRST, SECOND] });
  expect(query(path, "PRAGMA user_version")).toBe(2);
  expect(existsSync(`${path}.before-migration`)).toBe(false);
});

test("migration files are numbered without gaps and named in one way", () => {
  using folder = createTempFolder();
  const url = pathToFileURL(`${folder.path}/`);
  writeFileSync(`${folder.path}/0002_second.sql`, "");
  expect(() => loadMigrations(url)).toThrow("must have the number 1");
  writeFileSync(`${folder.path}/notes.txt`, "");
  expect(() => loadMigrations(url)).toThrow("not named");
});

test("[DB18] a file that is no database is LM_DB_CORRUPT and left as it is", () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  writeFileSync(path, "certainly no database ".repeat(500));
  expect(() => migrateDatabase({ path, migrations: [FIRST] })).toThrow(
    expect.objectContaining({ code: "LM_DB_CORRUPT" }),
  );
  expect(readFileSync(path, "utf8")).toBe("certainly no database ".repeat(500));
});
