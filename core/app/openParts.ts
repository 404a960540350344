import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LogoMeshError, VerifyReport } from "@logomesh/contracts";
import { openAccessControl, type AccessControl } from "../access/index.ts";
import { openAuditTrail, type AuditTrail } from "../audit/index.ts";
import { createIdSource, systemClock, systemRandom } from "../base/index.ts";
import type { Config } from "../config/index.ts";
import { lockWorkspace, openDatabase } from "../db/index.ts";
import { createLanguageModels, type LLMRegistry } from "../llm/index.ts";
import { PluginHost, TokenLedger, createBubblewrapSandbox, type Sandbox } from "../plugins/index.ts";
import type { BlobStore, Logger, PluginStore } from "../ports/index.ts";
import { SqliteBlobStore, SqlitePluginStore } from "../storage/index.ts";
import { PolicyAdmin, SqliteGrants, createPolicy, type CedarPolicy } from "../policy/index.ts";
import { IdeaManager } from "../thoughts/index.ts";
import {
  SqliteWorkflowStore,
  TaskEngine,
  createHttpTaskExecutor,
  createLlmTaskExecutor,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
  createThoughtTaskExecutor,
} from "../workflows/index.ts";
import { requireDatabase } from "./requireDatabase.ts";
import { requireWorkspace, stateHome, type WorkspacePaths } from "./workspace.ts";

// Picks the adapter for every port and owns the order: what is opened later may use what was opened earlier, and is closed before it.

export interface OpenPartsOptions {
  /** Folder of the workspace. */
  root: string;
  config: Config;
  logger: Logger;
  environment: { XDG_STATE_HOME?: string | undefined };
  /** The database or the log can no longer be written: the process should end. */
  onDidFail?: (error: LogoMeshError) => void;
}

/** Everything a workbench is made of. */
export interface WorkbenchParts extends AsyncDisposable {
  readonly paths: WorkspacePaths;
  readonly version: string;
  readonly startedAt: string;
  readonly audit: AuditTrail;
  readonly access: AccessControl;
  readonly grants: SqliteGrants;
  readonly policy: CedarPolicy;
  readonly blobs: BlobStore;
  readonly pluginStore: PluginStore;
  readonly policyAdmin: PolicyAdmin;
  readonly thoughts: IdeaManager;
  readonly models: LLMRegistry;
  readonly sandbox: Sandbox;
  readonly plugins: PluginHost;
  readonly engine: TaskEngine;
}

const REPOSITORY = join(import.meta.dirname, "../..");

/** Version of LogoMesh: that of its package. */
export function readVersion(): string {
  return (JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { version: string }).version;
}

/** @throws LogoMeshError LM_WORKSPACE_INVALID, LM_WORKSPACE_LOCKED, LM_DB_*, LM_AUDIT_TAMPERED */
export async function openParts(options: OpenPartsOptions): Promise<WorkbenchParts> {
  const { config, logger, environment } = options;
  const paths = requireWorkspace(options.root);
  const clock = systemClock;
  const random = systemRandom;
  const ids = createIdSource({ clock, random });
  await using stack = new AsyncDisposableStack();
  stack.use(lockWorkspace({ folder: paths.state, pid: process.pid }));
  requireDatabase(paths);
  const database = stack.use(
    await openDatabase({
      path: paths.database,
      synchronous: "FULL",
      writerEntry: new URL("./writerEntry.ts", import.meta.url),
      readerEntry: new URL("./readerEntry.ts", import.meta.url),
      logger,
      ...(options.onDidFail === undefined ? {} : { onDidFail: options.onDidFail }),
    }),
  );
  const { writer, reader } = database;
  const outsideRoot = join(stateHome(environment), "checkpoints");
  const verifyParams = { databasePath: paths.database, keysFolder: paths.keys, outsideRoot };
  const audit = stack.use(
    await openAuditTrail({
      ...{ writer, reader, clock, random, logger, outsideRoot },
      verify: () => database.runJob("audit.verify", verifyParams) as Promise<VerifyReport>,
      newLogId: () => ids.next("log"),
      keysFolder: paths.keys,
    }),
  );
  const access = await openAccessControl({ writer, reader, audit, clock, random, ids, logger, tokenFile: paths.token });
  const grants = new SqliteGrants({ writer, reader, audit });
  const policy = stack.use(
    createPolicy({
      ...{ grants, audit, logger },
      constitutionPath: paths.constitution,
      scopesOf: (tokenId) => access.scopesOf(tokenId),
    }),
  );
  const blobs = new SqliteBlobStore({ writer, reader });
  const pluginStore = new SqlitePluginStore({ writer, reader });
  const policyAdmin = new PolicyAdmin({
    ...{ policy, grants, audit },
    scopesOf: (tokenId) => access.scopesOf(tokenId),
    getEntry: (seq) => audit.getEntry(seq),
    newestOf: async (kind) => (await audit.query({ kind, limit: 1 })).items[0],
  });
  const thoughts = new IdeaManager({ writer, reader, audit, clock, ids });
  const models = stack.use(createLanguageModels({ audit, policy, clock, logger, ollamaUrl: config.ollamaUrl }));
  const sandbox = stack.use(createBubblewrapSandbox({ logger, clock, nodePath: process.execPath }));
  const plugins = stack.use(
    await PluginHost.open({
      ...{ sandbox, audit, policy, grants, writer, reader, clock, random, logger, store: pluginStore },
      services: {
        models: { models, tokens: new TokenLedger({ reader, writer, clock }) },
        thoughts,
        blobs,
        store: pluginStore,
      },
      pluginsFolder: paths.plugins,
      stagingFolder: paths.stagedPlugins,
      nodeSdkFolder: join(REPOSITORY, "plugins/sdk-node"),
      pythonSdkFolder: join(REPOSITORY, "plugins/sdk-python"),
    }),
  );
  const engine = stack.use(
    new TaskEngine({
      ...{ grants, policy, clock, ids, logger },
      store: new SqliteWorkflowStore({ writer, reader, audit }),
      executors: createTaskExecutorRegistry([
        createLlmTaskExecutor(models),
        createPluginTaskExecutor(plugins),
        createThoughtTaskExecutor({ thoughts, policy }),
        createHttpTaskExecutor({ policy, ownPorts: () => new Set([config.port]) }),
      ]),
      runtime: { name: "LogoMesh", version: readVersion() },
    }),
  );
  const owned = stack.move();
  return {
    ...{
      paths,
      audit,
      access,
      grants,
      policy,
      policyAdmin,
      blobs,
      pluginStore,
      thoughts,
      models,
      sandbox,
      plugins,
      engine,
    },
    version: readVersion(),
    startedAt: new Date(clock.nowMs()).toISOString(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
