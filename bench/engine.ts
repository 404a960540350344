import { join } from "node:path";
import { openAuditTrail } from "../core/audit/index.ts";
import { createIdSource, systemClock as clock, systemRandom as random } from "../core/base/index.ts";
import { MemoryEventBus, SqliteEventStore } from "../core/events/index.ts";
import { openDatabase } from "../core/db/index.ts";
import type { Grants, PluginTools, Policy } from "../core/ports/index.ts";
import { silentLogger as logger } from "../core/testing/index.ts";
import {
  SqliteWorkflowStore,
  TaskEngine,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
} from "../core/workflows/index.ts";

export const CALLER = {
  actor: { type: "system", id: "bench" },
  principal: { type: "Client", id: "bench" },
  scopes: ["admin"],
} as const;

const notAsked = (): Promise<never> => Promise.reject(new Error("not asked for"));
const policy: Policy = { decide: () => ({ allowed: true, policies: [], reason: "" }), require: () => undefined };
const grants: Grants = {
  grantWorkflow: () => Promise.resolve(),
  grantPlugin: () => Promise.resolve(),
  revokePlugin: () => Promise.resolve(),
  pluginGrant: () => undefined,
};

export interface BenchEngine extends AsyncDisposable {
  engine: TaskEngine;
}

/** The engine with its real store, log and writer thread (`synchronous=FULL`) in a folder, and tools that answer in process. */
export async function openBenchEngine(folder: string, tools: PluginTools): Promise<BenchEngine> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(
    await openDatabase({
      path: join(folder, "logomesh.db"),
      synchronous: "FULL",
      writerEntry: new URL("../core/app/writerEntry.ts", import.meta.url),
      readerEntry: new URL("../core/app/readerEntry.ts", import.meta.url),
      jobEntry: new URL("../core/app/jobEntry.ts", import.meta.url),
      logger,
    }),
  );
  const { writer, reader } = database;
  const ids = createIdSource({ clock, random });
  const audit = stack.use(
    await openAuditTrail({
      ...{
        writer,
        reader,
        clock,
        random,
        logger,
        keysFolder: join(folder, "keys"),
        outsideRoot: join(folder, "outside"),
      },
      jobs: { verify: notAsked, listUnended: notAsked },
      newLogId: () => ids.next("log"),
    }),
  );
  const eventStore = stack.use(new SqliteEventStore({ writer, reader, audit }));
  const bus = stack.use(new MemoryEventBus({ clock, ids }));
  const engine = stack.use(
    new TaskEngine({
      ...{ grants, policy, clock, ids, logger, runtime: { name: "LogoMesh", version: "bench" } },
      events: { bus, store: eventStore },
      store: new SqliteWorkflowStore({ writer, reader, audit }),
      executors: createTaskExecutorRegistry([createPluginTaskExecutor(tools)]),
    }),
  );
  return { engine, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
