import { join } from "node:path";
import type { VerifyReport } from "@logomesh/contracts";
import { openAccessControl } from "../access/index.ts";
import { ApprovalInbox } from "../approvals/index.ts";
import { openAuditTrail } from "../audit/index.ts";
import { createIdSource, systemClock, systemRandom } from "../base/index.ts";
import { WorkspaceFiles } from "../files/index.ts";
import { createLanguageModels } from "../llm/index.ts";
import { createWebFetch } from "../network/index.ts";
import { PluginHost, createBubblewrapSandbox } from "../plugins/index.ts";
import { PolicyAdmin, SqliteGrants, createPolicy } from "../policy/index.ts";
import { SqliteBlobStore, SqlitePluginStore } from "../storage/index.ts";
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
import { createFileChangeOwner } from "./fileChangeOwner.ts";
import type { OpenPartsOptions, WorkbenchParts } from "./openParts.ts";
import type { OpenedWorkspace } from "./openWorkspace.ts";
import { REPOSITORY, readVersion, stateHome } from "./workspace.ts";

// Picks the adapter for every port and owns the order: what is made later may use what was made earlier, and is closed before it.

/** Makes the parts of a workbench on a workspace, which is theirs from here on. @throws LogoMeshError LM_AUDIT_TAMPERED, LM_DB_* */
export async function assembleParts(workspace: OpenedWorkspace, options: OpenPartsOptions): Promise<WorkbenchParts> {
  const { config, logger, environment } = options;
  const { paths, database } = workspace;
  const { writer, reader } = database;
  const clock = systemClock;
  const random = systemRandom;
  const ids = createIdSource({ clock, random });
  await using stack = new AsyncDisposableStack();
  stack.use(workspace);
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
    newestOf: (kind) => audit.newestOf(kind),
  });
      files,
      approvals,
