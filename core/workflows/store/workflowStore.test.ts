import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createMemoryDatabase, type CreateWriterModule } from "../../db/index.ts";
import type { AuditEntryDraft, AuditLog } from "../../ports/index.ts";
import { FakeClock, createSeededRandom } from "../../testing/index.ts";
import { MemoryDisk } from "../testing/memoryDisk.ts";
import { MemoryWorkflowStore } from "../testing/memoryWorkflowStore.ts";
import {
  begin,
  definition,
  task,
  testWorkflowStore,
  transition,
  type StoreSubject,
} from "../testing/workflowStore.suite.ts";
import { SqliteWorkflowStore, createWorkflowWriterModule } from "./index.ts";

function refuse(text: string): void {
  if (text === "refused") throw new LogoMeshError("LM_INPUT_INVALID", "This is refused.");
}

function openSqlite(): StoreSubject {
  const kept: { audit: AuditEntryDraft[]; written: string[] } = { audit: [], written: [] };
  const other: CreateWriterModule = () => ({
    name: "other",
    commands: {
      "other.audit": (_context: unknown, draft: AuditEntryDraft) => void kept.audit.push(draft),
      "other.write": (_context: unknown, text: string) => {
        refuse(text);
        kept.written.push(text);
      },
    },
    participant: {
      mark: () => [kept.audit.length, kept.written.length],
      restore: (mark) => ([kept.audit.length, kept.written.length] = mark as [number, number]),
    },
  });
  const clock = new FakeClock();
  const database = createMemoryDatabase({
    ...{ modules: [createWorkflowWriterModule, other], clock, random: createSeededRandom(1) },
  });
  const audit: AuditLog = {
    command: (draft) => ({ name: "other.audit", params: draft }),
    append: () => Promise.resolve({ seq: 0 }),
    enqueue: () => undefined,
  };
  return {
    store: new SqliteWorkflowStore({ writer: database.writer, reader: database.reader, audit }),
    write: (text) => ({ name: "other.write", params: text }),
    written: () => [...kept.written],
    audited: () => kept.audit.map(({ kind }) => kind),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}

function openMemory(): StoreSubject & { disk: MemoryDisk } {
  const disk = new MemoryDisk();
  disk.refuse = ({ params }) => refuse(params as string);
  return {
    ...{ disk, store: new MemoryWorkflowStore(disk) },
    write: (text) => ({ name: "other.write", params: text }),
    written: () => disk.state.writes.map(({ params }) => params as string),
    audited: () => disk.state.audit.map(({ kind }) => kind),
    [Symbol.dispose]: () => undefined,
  };
}

testWorkflowStore("SQLite", openSqlite);
testWorkflowStore("memory", openMemory);

async function openManual(options: { acknowledgesEarly?: boolean } = {}) {
  const disk = new MemoryDisk({ writing: "manual", ...options });
  const store = new MemoryWorkflowStore(disk);
  const heard: string[] = [];
  const commit = (name: string, change: Parameters<typeof transition>[1] = {}): void =>
    void store.commit(transition("run_a", change)).then(
      () => heard.push(name),
      (error: unknown) => heard.push(`${name}: ${(error as Error).message}`),
    );
  void store.saveDefinition(definition(), {});
  void store.commit(begin("run_a"));
  disk.write();
  disk.sync();
  await Promise.resolve();
  return { disk, store, heard, commit };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("[WF206] a power cut takes what was not written, and nobody was told that it had been", async () => {
  const { disk, store, heard, commit } = await openManual();
  for (const seq of [0, 1, 2]) commit(`commit ${seq}`, { rows: [task(seq)] });
  disk.write(1);
  await turn();
  disk.cutPower({ reached: 1 });
  await turn();
  expect([heard, store.loadTasks("run_a").map(({ seq }) => seq)]).toEqual([["commit 0"], [0, 1]]);
  expect(disk.pending).toBe(0);
});

test("[WF206] a store that acknowledges early loses the end of what it acknowledged, never the middle", async () => {
  const { disk, store, heard, commit } = await openManual({ acknowledgesEarly: true });
  for (const seq of [0, 1, 2]) commit(`commit ${seq}`, { rows: [task(seq)] });
  disk.write();
  await turn();
  expect(heard).toHaveLength(3);
  disk.cutPower({ kept: 2 });
  expect(store.loadTasks("run_a").map(({ seq }) => seq)).toEqual([0, 1]);
  expect(store.getRun("run_a")?.status).toBe("running");
});

test("[WF206] a write that fails is heard of and changes nothing; a connection that is cut hears nothing more", async () => {
  const { disk, store, heard, commit } = await openManual();
  disk.beforeWrite = () => {
    disk.beforeWrite = () => undefined;
    throw new LogoMeshError("LM_DB_FULL", "The disk is full.");
  };
  commit("first", { rows: [task(0)] });
  commit("second", { rows: [task(1)] });
  disk.write();
  await turn();
  expect([heard, store.loadTasks("run_a").map(({ seq }) => seq)]).toEqual([
    ["first: The disk is full.", "second"],
    [1],
  ]);
  commit("third", { rows: [task(2)] });
  store.cut();
  commit("fourth", { rows: [task(3)] });
  disk.write();
  await turn();
  expect(heard).toHaveLength(2);
  expect(store.loadTasks("run_a").map(({ seq }) => seq)).toEqual([1, 2]);
});
