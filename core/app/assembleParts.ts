import { join } from "node:path";
import type { LogoMeshError, VerifyReport } from "@logomesh/contracts";
import { openAccessControl } from "../access/index.ts";
import { ApprovalInbox } from "../approvals/index.ts";
import { openAuditTrail, type AuditJobs } from "../audit/index.ts";
import { createIdSource, systemClock, systemRandom } from "../base/index.ts";
import type { Database } from "../db/index.ts";
import { WorkspaceFiles } from "../files/index.ts";
import { EventPublisher, MemoryEventBus, SqliteEventStore } from "../events/index.ts";
import { createLanguageModels } from "../llm/index.ts";
import { createWebFetch, createWebTunnels } from "../network/index.ts";
import {
  PluginHost,
  TokenLedger,
  createBubblewrapSandbox,
  pythonCandidates,
  createOutsideRunner,
} from "../plugins/index.ts";
import type { SqlRow } from "../ports/index.ts";
import { LockdownSwitch, PolicyAdmin, SqliteGrants, createPolicy } from "../policy/index.ts";
import { SecretAdmin, SecretVault, createRedactingLogger } from "../secrets/index.ts";
import { SqliteBlobStore, SqlitePluginStore } from "../storage/index.ts";
import { IdeaManager } from "../thoughts/index.ts";
import {
  SqliteWorkflowStore,
  TaskEngine,
  AuthenticatedFetch,
  createHttpTaskExecutor,
  createOpenApiTaskExecutor,
  createLlmTaskExecutor,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
  createThoughtTaskExecutor,
} from "../workflows/index.ts";
import { createFileChangeOwner } from "./fileChangeOwner.ts";
import { createModelChoiceOwner } from "./modelChoiceOwner.ts";
import type { OpenPartsOptions, WorkbenchParts } from "./openParts.ts";
import type { OpenedWorkspace } from "./openWorkspace.ts";
import { sdkFolders } from "./sdkFolders.ts";
import { publishSystemEvents } from "./systemEvents.ts";
import { readVersion, stateHome } from "./workspace.ts";

// Picks the adapter for every port and owns the order: what is made later may use what was made earlier, and is closed before it.

/** Makes the parts of a workbench on a workspace, which is theirs from here on. @throws LogoMeshError LM_AUDIT_TAMPERED, LM_DB_* */
export async function assembleParts(workspace: OpenedWorkspace, options: OpenPartsOptions): Promise<WorkbenchParts> {
  const { config, environment } = options;
  const { paths, database } = workspace;
  const { writer, reader } = database;
  const clock = systemClock;
  const random = systemRandom;
  const ids = createIdSource({ clock, random });
  await using stack = new AsyncDisposableStack();
  stack.use(workspace);
  const vault = new SecretVault({ file: paths.secrets, clock });
  const logger = createRedactingLogger(options.logger, vault);
  const outsideRoot = join(stateHome(environment), "checkpoints");
  const audit = stack.use(
    await openAuditTrail({
      ...{ writer, reader, clock, random, logger, outsideRoot },
      jobs: auditJobs(database, { databasePath: paths.database, keysFolder: paths.keys, outsideRoot }),
      newLogId: () => ids.next("log"),
      keysFolder: paths.keys,
    }),
  );
  const access = await openAccessControl({ writer, reader, audit, clock, random, ids, logger, tokenFile: paths.token });
  const tokenFacts = {
    scopesOf: (tokenId: string) => access.scopesOf(tokenId),
    toolsOf: (tokenId: string) => access.toolsOf(tokenId),
  };
  const grants = new SqliteGrants({ writer, reader, audit });
  const lockdown = stack.use(new LockdownSwitch({ writer, reader, audit, clock, logger }));
  const policy = stack.use(
    createPolicy({
      ...{ grants, audit, logger },
      constitutionPath: paths.constitution,
      ...tokenFacts,
      lockdown: () => lockdown.denial,
    }),
  );
  const blobs = new SqliteBlobStore({ writer, reader });
  const pluginStore = new SqlitePluginStore({ writer, reader });
  const policyAdmin = new PolicyAdmin({
    ...{ policy, grants, audit, clock },
    ...tokenFacts,
    getEntry: (seq) => audit.getEntry(seq),
    newestOf: (kind) => audit.newestOf(kind),
  });
  const ownPorts = () => new Set([config.port]);
  const network = createWebFetch({ clock, ownPorts });
  const tunnels = createWebTunnels({ clock, ownPorts });
  const files = stack.use(new WorkspaceFiles({ root: paths.root, shared: config.sharedFolders }));
  const stopped = (): LogoMeshError | undefined => (lockdown.state.on ? lockdown.stopError() : undefined);
  const approvals = stack.use(
    new ApprovalInbox({
      ...{ writer, reader, audit, clock, ids, logger },
      stopped,
    }),
  );
  const fileChanges = createFileChangeOwner({ files, policy, stopped });
  approvals.own("file-change", fileChanges.owner, fileChanges.options);
  const bus = stack.use(new MemoryEventBus({ clock, ids }));
  const eventStore = stack.use(new SqliteEventStore({ writer, reader, audit }));
  stack.use(eventStore.onDidStore((stored) => stored.forEach((event) => bus.deliver(event))));
  const events = new EventPublisher({ bus, store: eventStore, policy });
  const secrets = new SecretAdmin({ vault, audit });
  const thoughts = new IdeaManager({ writer, reader, audit, clock, ids });
  const models = stack.use(
    createLanguageModels({
      ...{ audit, policy, clock, logger, writer, reader, stopped },
      ...{ ollamaUrl: config.ollamaUrl, limits: config.concurrency },
    }),
  );
  const modelChoices = createModelChoiceOwner({ models, policy });
  approvals.own("model", modelChoices.owner, modelChoices.options);
  const interpreters = { nodePath: process.execPath, pythonCandidates: pythonCandidates(environment) };
  const sandbox = stack.use(createBubblewrapSandbox({ logger, clock, ...interpreters }));
  const outside = stack.use(createOutsideRunner({ logger, clock, ...interpreters }));
  const plugins = stack.use(
    await PluginHost.open({
      ...{ outside, isDevelopment: config.isDevelopment ?? false },
      ...{ sandbox, audit, policy, grants, writer, reader, clock, random, logger, store: pluginStore, secrets: vault },
      services: {
        models: { models, tokens: new TokenLedger({ reader, writer, clock }) },
        files: { files, approvals },
        proposals: { choices: models, approvals },
        ...{ thoughts, blobs, store: pluginStore, events: bus, eventStore, web: network, tunnels },
      },
      version: readVersion(),
      pluginsFolder: paths.plugins,
      stagingFolder: paths.stagedPlugins,
      ...{ workspaceFolder: paths.root, dataFolder: paths.pluginData },
      ...sdkFolders(),
    }),
  );
  const web = new AuthenticatedFetch({ network, secrets: vault, clock });
  const engine = stack.use(
    new TaskEngine({
      ...{ grants, policy, clock, ids, logger, pins: plugins },
      events: { bus, store: eventStore },
      store: new SqliteWorkflowStore({ writer, reader, audit }),
      executors: createTaskExecutorRegistry([
        createLlmTaskExecutor(models),
        createPluginTaskExecutor(plugins, { places: config.concurrency.plugins }),
        createThoughtTaskExecutor({ thoughts, policy }),
        createHttpTaskExecutor({ policy, web }),
        createOpenApiTaskExecutor({ policy, web }),
      ]),
      runtime: { name: "LogoMesh", version: readVersion() },
      stepsAtOnce: config.concurrency.steps,
    }),
  );
  stack.use(publishSystemEvents({ bus, plugins, engine }));
  const owned = stack.move();
  return {
    ...{
      paths,
      audit,
      access,
      grants,
      lockdown,
      policy,
      policyAdmin,
      blobs,
      pluginStore,
      network,
      files,
      approvals,
      bus,
      events,
      secrets,
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

/** Each in a process of its own, which gives its memory back. */
function auditJobs(
  database: Pick<Database, "runJob">,
  files: { databasePath: string; keysFolder: string; outsideRoot: string },
): AuditJobs {
  const { databasePath } = files;
  return {
    verify: () => database.runJob("audit.verify", files) as Promise<VerifyReport>,
    listUnended: (query) => database.runJob("audit.listUnended", { ...query, databasePath }) as Promise<SqlRow[]>,
  };
}
