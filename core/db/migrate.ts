import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { LogoMeshError } from "@logomesh/contracts/errors";
import { assert } from "../base/index.ts";
import { openWritingConnection } from "./connection.ts";
import { mapSqliteError } from "./sqliteErrors.ts";

// Brings a database file to the newest schema. PRAGMA user_version holds the number of the last applied migration. An existing database
// is copied first (VACUUM INTO, so the copy is whole without its journal); when a migration fails the copy takes its place again and
// the error goes to the caller. Runs before any other connection opens, under the workspace lock.

export interface Migration {
  /** 1, 2, 3, … without gaps. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const FILE_PATTERN = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/** The migrations of a folder, in order. */
export function loadMigrations(folder: URL): Migration[] {
  const migrations = readdirSync(folder)
    .toSorted()
    .map((file): Migration => {
      const [, version, name] = FILE_PATTERN.exec(file) ?? [];
      assert(version !== undefined && name !== undefined, `${file} is not named NNNN_what.sql`);
      return { version: Number(version), name, sql: readFileSync(new URL(file, folder), "utf8") };
    });
  migrations.forEach(({ version, name }, index) =>
    assert(version === index + 1, `Migration ${version} (${name}) must have the number ${index + 1}`),
  );
  return migrations;
}

export interface MigrateOptions {
  path: string;
  migrations: readonly Migration[];
}

export interface MigrateResult {
  from: number;
  to: number;
}

/**
 * @throws LogoMeshError LM_DB_SCHEMA_NEWER, LM_DB_CORRUPT, LM_DB_FULL, LM_DB_LOCKED, LM_DB_FAILED; the file is then as it was
 */
export function migrateDatabase(options: MigrateOptions): MigrateResult {
  const { path, migrations } = options;
  const snapshotPath = `${path}.before-migration`;
  const to = migrations.length;
  const db = openForMigration(path);
  let from: number;
  try {
    from = userVersion(db);
    refuseNewer({ path, found: from, known: to });
    if (from > 0 && from < to) takeSnapshot(db, snapshotPath);
    for (const migration of migrations.slice(from)) applyMigration(db, migration);
  } catch (error) {
    db.close();
    if (existsSync(snapshotPath)) restoreSnapshot(path, snapshotPath);
    throw mapSqliteError(error, `The database ${path} could not be brought to schema ${to}`);
  }
  db.close();
  rmSync(snapshotPath, { force: true });
  return { from, to };
}

function openForMigration(path: string): DatabaseSync {
  try {
    return openWritingConnection({ path, synchronous: "FULL" });
  } catch (error) {
    throw mapSqliteError(error, `The database ${path} could not be opened`);
  }
}

function refuseNewer({ path, found, known }: { path: string; found: number; known: number }): void {
  if (found <= known) return;
  throw new LogoMeshError(
    "LM_DB_SCHEMA_NEWER",
    `${path} has schema ${found}; this LogoMesh knows schemas up to ${known}. Update LogoMesh.`,
    { data: { found, known } },
  );
}

export function userVersion(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.user_version);
}

/** A snapshot that exists is whole and belongs to a migration that was interrupted: it is the older state, so it stays. */
function takeSnapshot(db: DatabaseSync, snapshotPath: string): void {
  if (existsSync(snapshotPath)) return;
  const partialPath = `${snapshotPath}.partial`;
  rmSync(partialPath, { force: true });
  db.prepare("VACUUM INTO ?").run(partialPath);
  renameSync(partialPath, snapshotPath);
}

function applyMigration(db: DatabaseSync, { version, name, sql }: Migration): void {
  // Tables are rebuilt under another name and renamed, which foreign keys would forbid or cascade; the check below replaces them.
  db.exec("PRAGMA foreign_keys = OFF");
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(sql);
    const orphan = db.prepare("PRAGMA foreign_key_check").get();
    if (orphan !== undefined) {
      throw new LogoMeshError(
        "LM_DB_FAILED",
        `Migration ${version} (${name}) left rows without their parent: ${JSON.stringify(orphan)}.`,
      );
    }
    db.exec(`PRAGMA user_version = ${version}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
  db.exec("PRAGMA foreign_keys = ON");
}

function restoreSnapshot(path: string, snapshotPath: string): void {
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
  renameSync(snapshotPath, path);
}

/** The SQL text of everything in a database, in order of creation: what core/db/schema.sql must say. */
export function schemaText(db: DatabaseSync): string {
  const rows = db
    .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all();
  return rows.map(({ sql }) => `${String(sql)};\n`).join("\n");
}
