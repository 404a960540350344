import { DatabaseSync } from "node:sqlite";
import type { Clock, Random, Reader } from "../ports/index.ts";
import { createInlineReader } from "./inlineReader.ts";
import { createInlineWriter, type NoticingWriter } from "./inlineWriter.ts";
import { loadMigrations } from "./migrate.ts";
import type { CreateWriterModule } from "./writeContext.ts";
import { createWriterCore } from "./writer.ts";

export interface MemoryDatabase extends Disposable {
  readonly db: DatabaseSync;
  readonly writer: NoticingWriter;
  readonly reader: Reader;
}

/** A migrated database in memory with writer and reader on the calling thread: for tests and simulations. */
export function createMemoryDatabase(options: {
  modules: readonly CreateWriterModule[];
  clock: Clock;
  random: Random;
}): MemoryDatabase {
  const db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
  for (const { sql } of loadMigrations(new URL("./migrations/", import.meta.url))) db.exec(sql);
  return {
    db,
    writer: createInlineWriter(createWriterCore({ db, ...options })),
    reader: createInlineReader(db),
    [Symbol.dispose]: () => db.close(),
  };
}
