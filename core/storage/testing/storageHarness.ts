import { createMemoryDatabase, type CreateWriterModule } from "../../db/index.ts";
import { FakeClock, createSeededRandom } from "../../testing/index.ts";
import { SqliteBlobStore, SqlitePluginStore, createStorageWriterModule } from "../index.ts";

/** Stores over a database in memory, with a module whose command `probe.note` is committed or rolled back with the rest. */
export function createStorageHarness() {
  const probe: { notes: string[]; refuse: boolean } = { notes: [], refuse: false };
  const module: CreateWriterModule = () => ({
    name: "probe",
    commands: {
      "probe.note": (_context: unknown, note: string) => {
        if (probe.refuse) throw new Error("refused");
        probe.notes.push(note);
      },
    },
  });
  const database = createMemoryDatabase({
    modules: [createStorageWriterModule, module],
    clock: new FakeClock(),
    random: createSeededRandom(3),
  });
  const one = (sql: string): unknown => Object.values(database.db.prepare(sql).get() ?? {})[0];
  return {
    ...database,
    probe,
    blobs: new SqliteBlobStore(database),
    store: new SqlitePluginStore(database),
    /** Stored blobs and their owners. */
    counts: () => ({ blobs: one("SELECT COUNT(*) FROM blob"), owners: one("SELECT COUNT(*) FROM blob_owner") }),
    note: (text: string) => [{ name: "probe.note", params: text }],
  };
}
