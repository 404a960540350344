import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { createTempFolder, silentLogger } from "../testing/index.ts";
import { openDatabase, type Database } from "./database.ts";
import { createReaderThread } from "./readerThread.ts";
import { createThreadWriter } from "./writerThread.ts";
import { lockWorkspace } from "./workspaceLock.ts";

const DB_INDEX = new URL("./index.ts", import.meta.url).href;
const BASE_INDEX = new URL("../base/index.ts", import.meta.url).href;

/** A writer entry with three commands: store, refuse, end the thread. */
const WRITER_ENTRY = `
import { systemClock, systemRandom } from ${JSON.stringify(BASE_INDEX)};
import { runWriterThread } from ${JSON.stringify(DB_INDEX)};
runWriterThread({ clock: systemClock, random: systemRandom, modules: [(connection) => {
  connection.sql("CREATE TABLE IF NOT EXISTS t (x TEXT) STRICT").run();
  return { name: "t", commands: {
    "t.put": (context, { x }) => { context.sql("INSERT INTO t VALUES (?)").run(x); return x.length; },
    "t.die": () => { process.exit(3); },
  } };
}] });
`;
const READER_ENTRY = `
import { runReaderThread } from ${JSON.stringify(DB_INDEX)};
runReaderThread();
`;
const JOB_ENTRY = `
import { quickCheck, serveJob } from ${JSON.stringify(DB_INDEX)};
const jobs = {
  "db.quickCheck": quickCheck,
  "t.add": ({ a, b }) => a + b,
  "t.die": () => { process.exit(3); },
  "t.hang": () => { for (;;); },
  "t.pid": () => process.pid,
};
serveJob(jobs, process);
`;

function setUp(folder: string) {
  writeFileSync(join(folder, "writer.ts"), WRITER_ENTRY);
  writeFileSync(join(folder, "reader.ts"), READER_ENTRY);
  writeFileSync(join(folder, "job.ts"), JOB_ENTRY);
  const failures: LogoMeshError[] = [];
  const options = {
    path: join(folder, "x.db"),
    synchronous: "FULL" as const,
    writerEntry: pathToFileURL(join(folder, "writer.ts")),
    readerEntry: pathToFileURL(join(folder, "reader.ts")),
    jobEntry: pathToFileURL(join(folder, "job.ts")),
    logger: silentLogger,
    onDidFail: (error: LogoMeshError) => void failures.push(error),
  };
  return { options, failures };
}

const codeOf = (error: unknown): string => (error instanceof LogoMeshError ? error.code : String(error));
const put = (x: string) => [{ name: "t.put", params: { x } }];
const count = (database: Database): unknown => database.reader.get("SELECT count(*) AS n FROM t")?.n;

test("[DB5] [DB9] [DB16] units of many callers are stored and read at once; closing commits what is queued", async () => {
  using folder = createTempFolder();
  const { options, failures } = setUp(folder.path);
  const database = await openDatabase(options);
  const results = await Promise.all(
    Array.from({ length: 5_000 }, (_, index) => database.writer.run(put("x".repeat(index % 7)))),
  );
  expect(results.map(([length]) => length)).toEqual(Array.from({ length: 5_000 }, (_, index) => index % 7));
  expect(count(database)).toBe(5_000);
  expect(await database.reader.scan("SELECT count(*) AS n FROM t")).toEqual([{ n: 5_000 }]);
  expect(await database.checked).toBe(true);
  expect(await database.runJob("t.add", { a: 2, b: 3 })).toBe(5);
  expect(() => database.reader.get("INSERT INTO t VALUES ('y')")).toThrow(LogoMeshError);
  const queued = database.writer.run(put("last"));
  await database[Symbol.asyncDispose]();
  expect(await queued).toEqual([4]);
  await expect(database.writer.run(put("late"))).rejects.toMatchObject({ code: "LM_DB_FAILED" });
  using reopened = new DatabaseSync(options.path);
  expect(reopened.prepare("SELECT count(*) AS n FROM t").get()).toMatchObject({ n: 5_001 });
  expect(failures).toEqual([]);
});

test("[DB7] [DB10] the waiting queue has an end, and what cannot cross to the thread fails alone", async () => {
  using folder = createTempFolder();
  const { options } = setUp(folder.path);
  const writer = await createThreadWriter({ ...options, checkFirst: false, entry: options.writerEntry });
  const bad = writer.run([{ name: "t.put", params: () => 1 }]);
  const good = writer.run(put("good"));
  await expect(bad).rejects.toThrow(/could not be cloned/);
  expect(await good).toEqual([4]);
  const codes = await Promise.all(Array.from({ length: 100_001 }, () => writer.run([]).then(() => "ok", codeOf)));
  expect(codes.filter((code) => code === "ok")).toHaveLength(100_000);
  expect(codes.at(-1)).toBe("LM_DB_OVERLOADED");
  await writer.close();
});

test("[DB8] when the writer thread ends by itself, callers are refused and the owner is told", async () => {
  using folder = createTempFolder();
  const { options, failures } = setUp(folder.path);
  await using database = await openDatabase(options);
  await database.writer.run(put("a"));
  const [dying, behind] = await Promise.allSettled([
    database.writer.run([{ name: "t.die", params: null }]),
    database.writer.run(put("b")),
  ]);
  expect([dying, behind]).toMatchObject([{ reason: { code: "LM_DB_FAILED" } }, { reason: { code: "LM_DB_FAILED" } }]);
  await expect(database.writer.run(put("c"))).rejects.toMatchObject({ code: "LM_DB_FAILED" });
  expect(failures.map(({ code }) => code)).toEqual(["LM_DB_FAILED"]);
  expect(count(database)).toBe(1);
});

test("[DB17] the reader thread ends when nothing is asked of it, also by itself, and the next scan starts another", async () => {
  using folder = createTempFolder();
  const { options } = setUp(folder.path);
  await using _database = await openDatabase(options);
  const threads: Worker[] = [];
  const onWorker = (worker: Worker): void => void threads.push(worker);
  process.on("worker", onWorker);
  onTestFinished(() => void process.off("worker", onWorker));
  const reader = createReaderThread({ path: options.path, entry: options.readerEntry, idleMs: 20 });
  const scan = (): Promise<unknown> => reader.scan("SELECT 1 AS one", []);
  expect(threads).toHaveLength(0);
  expect(await Promise.all([scan(), scan()])).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  await once(threads[0]!, "exit");
  expect(await scan()).toEqual([{ one: 1 }]);
  const slow =
    "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n LIMIT 3000000) SELECT count(*) AS c FROM n";
  const during = reader.scan(slow, []);
  await threads[1]!.terminate();
  await expect(during).rejects.toMatchObject({ code: "LM_DB_FAILED" });
  expect(await scan()).toEqual([{ one: 1 }]);
  expect(threads).toHaveLength(3);
  await reader.close();
  await expect(scan()).rejects.toMatchObject({ code: "LM_DB_FAILED" });
});

test("[DB17] a scan that fails answers a typed error", async () => {
  using folder = createTempFolder();
  const { options } = setUp(folder.path);
  await using database = await openDatabase(options);
  await expect(database.reader.scan("SELECT nonsense")).rejects.toMatchObject({ code: "LM_DB_FAILED" });
});

test("[DB21] a job runs in a process that is gone with its answer; one that ends without an answer is a typed error", async () => {
  using folder = createTempFolder();
  const { options } = setUp(folder.path);
  await using database = await openDatabase(options);
  const pid = await database.runJob("t.pid", {});
  expect(pid).not.toBe(process.pid);
  expect(() => process.kill(pid as number, 0)).toThrow("ESRCH");
  await expect(database.runJob("t.die", {})).rejects.toMatchObject({ code: "LM_DB_FAILED" });
  await expect(database.runJob("t.none", {})).rejects.toMatchObject({ code: "LM_INTERNAL" });
});

test("[DB21] closing the database kills a job in the middle of its work", async () => {
  using folder = createTempFolder();
  const { options } = setUp(folder.path);
  const database = await openDatabase(options);
  const hanging = database.runJob("t.hang", {}).catch(codeOf);
  await database.runJob("t.add", { a: 1, b: 1 });
  await database[Symbol.asyncDispose]();
  expect(await hanging).toBe("LM_DB_FAILED");
  await expect(database.runJob("t.add", { a: 1, b: 1 })).rejects.toMatchObject({ code: "LM_DB_FAILED" });
});

/** Whether this process may mount: the full disk is a real one. */
function canMount(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "logomesh-test", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("[DB6] on a disk that is full, writes are LM_DB_FULL; when space is back they work and nothing is lost", async (context) => {
  using folder = createTempFolder();
  const disk = join(folder.path, "disk");
  mkdirSync(disk);
  if (!canMount(disk)) return context.skip("needs the right to mount a file system");
  using _mount = { [Symbol.dispose]: () => void execFileSync("umount", ["-l", disk]) };
  const { options } = setUp(folder.path);
  await using database = await openDatabase({ ...options, path: join(disk, "x.db") });
  let acknowledged = 0;
  await database.writer.run(put("first")).then(() => acknowledged++);
  const ballast = openSync(join(disk, "ballast"), "w");
  expect(() => {
    for (;;) writeSync(ballast, new Uint8Array(4096));
  }).toThrow(/ENOSPC/);
  closeSync(ballast);
  const codes: string[] = [];
  for (let index = 0; index < 200 && codes.length < 5; index++) {
    await database.writer.run(put("z".repeat(3000))).then(
      () => acknowledged++,
      (error: unknown) => codes.push(codeOf(error)),
    );
  }
  expect(codes).toEqual(Array(5).fill("LM_DB_FULL"));
  expect(count(database)).toBe(acknowledged);
  rmSync(join(disk, "ballast"));
  await database.writer.run(put("after"));
  expect(count(database)).toBe(acknowledged + 1);
});

test("[DB18] a file with flipped bytes is refused at start", async () => {
  using folder = createTempFolder();
  const { options, failures } = setUp(folder.path);
  const database = await openDatabase(options);
  await Promise.all(Array.from({ length: 3_000 }, () => database.writer.run(put("x".repeat(50)))));
  await database[Symbol.asyncDispose]();
  const bytes = readFileSync(options.path);
  expect(bytes.length).toBeGreaterThan(40 * 4096);
  bytes.fill(0xff, 35 * 4096, 35 * 4096 + 64);
  writeFileSync(options.path, bytes);
  await expect(openDatabase(options)).rejects.toMatchObject({ code: "LM_DB_CORRUPT" });
  // Who opens it is told once, by the refusal.
  expect(failures).toEqual([]);
});

test("[DB18] damage in a large file is found in the background and ends all writing", async () => {
  using folder = createTempFolder();
  const { options, failures } = setUp(folder.path);
  const database = await openDatabase(options);
  await Promise.all(Array.from({ length: 40 }, () => database.writer.run(put("x".repeat(1_000_000)))));
  await database[Symbol.asyncDispose]();
  const { size } = statSync(options.path);
  const file = openSync(options.path, "r+");
  // The first page of the table's last rows: its header no longer says what it is.
  for (let page = 30; page * 4096 < size; page += 200)
    writeSync(file, new Uint8Array(64).fill(0xee), 0, 64, page * 4096);
  closeSync(file);
  await using damaged = await openDatabase(options);
  expect(await damaged.checked).toBe(false);
  expect(failures.map(({ code }) => code)).toEqual(["LM_DB_CORRUPT"]);
  await expect(damaged.writer.run(put("a"))).rejects.toMatchObject({ code: "LM_DB_CORRUPT" });
});

test("[DB19] a second process is refused and told who holds the workspace; SIGKILL releases it", async () => {
  using folder = createTempFolder();
  const script = `
    import { lockWorkspace } from ${JSON.stringify(DB_INDEX)};
    globalThis.lock = lockWorkspace({ folder: ${JSON.stringify(folder.path)}, pid: process.pid });
    console.log("locked");
    setInterval(() => {}, 1000);
  `;
  const holder = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(holder, "exit");
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  const lock = (): Disposable => lockWorkspace({ folder: folder.path, pid: process.pid });
  expect(lock).toThrow(expect.objectContaining({ code: "LM_WORKSPACE_LOCKED", data: { pid: holder.pid } }));
  writeFileSync(join(folder.path, "server.json"), JSON.stringify({ pid: holder.pid, port: 7420 }));
  expect(lock).toThrow(expect.objectContaining({ data: { pid: holder.pid, port: 7420 } }));
  expect(lock).toThrow(`process ${holder.pid} on port 7420`);
  holder.kill("SIGKILL");
  await exited;
  const taken = lock();
  taken[Symbol.dispose]();
  taken[Symbol.dispose]();
  lock()[Symbol.dispose]();
});

test("[DB19] a holder that left no readable note is still refused, only less precisely", () => {
  using folder = createTempFolder();
  const first = lockWorkspace({ folder: folder.path, pid: 1 });
  for (const note of ["{", "null", '{"pid":"x"}']) {
    writeFileSync(join(folder.path, "lock.json"), note);
    expect(() => lockWorkspace({ folder: folder.path, pid: 2 })).toThrow("in use by another process");
  }
  first[Symbol.dispose]();
  expect(() => lockWorkspace({ folder: join(folder.path, "missing"), pid: 2 })).toThrow(LogoMeshError);
});
