import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../core/db/index.ts";
import { silentLogger as logger } from "../core/testing/index.ts";
import { SqliteWorkflowStore } from "../core/workflows/index.ts";
import { hashOf, quantile, type Benchmark } from "./harness.ts";

const RUNS = 100_000;
const WORKFLOWS = 50;
const ROUNDS = 40;
const PAGE = 50;
/** So that rows are as wide as those of real runs. */
const INPUT = JSON.stringify({ text: "x".repeat(400) });

const QUERIES = [
  { name: "newest", query: {} },
  { name: "of one workflow", query: { workflow: "bench/w7" } },
  { name: "of one name, rare", query: { workflow: "rare" } },
  { name: "of one status, frequent", query: { status: "completed" } },
  { name: "of one status, rare", query: { status: "suspended" } },
  { name: "of one status and workflow, rare", query: { status: "suspended", workflow: "bench/w7" } },
  { name: "text that is in a name", query: { q: "w13" } },
  { name: "text that is nowhere", query: { q: "nowhere" } },
  { name: "deep page", query: { cursor: "5000.run_5000" } },
] as const;

export const benchmark: Benchmark = {
  name: "Lists of runs",
  about: `pages of ${PAGE} of ${RUNS} stored runs, as the API reads them in the reader thread`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "logomesh-bench-"));
    try {
      await using database = await openDatabase({
        path: join(folder, "logomesh.db"),
        synchronous: "NORMAL",
        writerEntry: new URL("../core/app/writerEntry.ts", import.meta.url),
        readerEntry: new URL("../core/app/readerEntry.ts", import.meta.url),
        jobEntry: new URL("../core/app/jobEntry.ts", import.meta.url),
        logger,
      });
      await fill(join(folder, "logomesh.db"));
      const { writer, reader } = database;
      const store = new SqliteWorkflowStore({ writer, reader, audit: noLog });
      // The reader thread starts with the first list.
      await store.listRuns({ limit: 1 });
      const figures = [];
      const found: unknown[] = [];
      for (const { name, query } of QUERIES) {
        const times: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          const startedMs = performance.now();
          const page = await store.listRuns({ limit: PAGE, ...query });
          times.push(performance.now() - startedMs);
          if (round === 0) found.push([name, page.items.map(({ id }) => id)]);
        }
        const p99 = { name: `${name}, p99`, value: quantile(times, 0.99), unit: "ms", budget: { max: 100 } };
        figures.push({ name, value: quantile(times, 0.5), unit: "ms" }, p99);
      }
      return { parameters: { runs: RUNS, page: PAGE, rounds: ROUNDS }, resultHash: hashOf(found), figures };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const noLog = {
  command: () => ({ name: "", params: undefined }),
  append: () => Promise.reject(new Error("nothing is written")),
  enqueue: () => undefined,
};

/** Rows as the engine would have left them, in one transaction. */
async function fill(path: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA foreign_keys = OFF; BEGIN");
  const insert = db.prepare(
    `INSERT INTO workflow_run (id, namespace, name, version, hash, status, input, created_at, started_by, epoch)
     VALUES (?, 'bench', ?, '1.0.0', 'h', ?, ?, ?, 'system:bench', 1)`,
  );
  for (let at = 0; at < RUNS; at += 1) {
    const name = at === 777 ? "rare" : `w${at % WORKFLOWS}`;
    insert.run(`run_${at}`, name, at % 20_000 === 7 ? "suspended" : "completed", INPUT, at);
  }
  db.exec("COMMIT");
  db.close();
}
