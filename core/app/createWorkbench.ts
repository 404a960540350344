import { resolve } from "node:path";
import type { SystemStatus, VerifyReport } from "@logomesh/contracts";
import { messageOf, systemClock } from "../base/index.ts";
import type { Logger } from "../ports/index.ts";
import { describeBounds } from "../plugins/index.ts";
import { ClientCalls } from "./clientCalls.ts";
import { LockdownControl } from "./lockdownControl.ts";
import { searchRegistryPage } from "./pluginToolkit.ts";
import { openParts, type OpenPartsOptions, type WorkbenchParts } from "./openParts.ts";
import type { AuditService, Caller, Workbench } from "./workbench.ts";
import { watchWorkflowFiles } from "./watchWorkflowFiles.ts";
import { defineWorkflowFiles } from "./workflowFiles.ts";

/** Who acts when nobody asked: what starts with the workbench. */
const SYSTEM: Caller = {
  actor: { type: "system", id: "workbench" },
  principal: { type: "Client", id: "system" },
  scopes: [],
};
/** By the exit code of the verifier. */
const VERDICTS = ["ok", "tampered", "incomplete"] as const;
/** The log is verified in the background after start; until then other things have the disk. */
const FIRST_VERIFY_MS = 3_000;
const WARM_UP_MS = 100;
const RECORD_ORPHANS_MS = 1_000;

/**
 * Opens a workspace: takes its lock, opens database and log, takes up the runs that had not ended.
 * @throws LogoMeshError LM_WORKSPACE_INVALID, LM_WORKSPACE_LOCKED, LM_DB_*, LM_AUDIT_TAMPERED
 */
export async function createWorkbench(options: OpenPartsOptions): Promise<Workbench> {
  const { logger } = options;
  const parts = await openParts(options);
  const verified: { status: SystemStatus["audit"]["verified"] } = { status: "pending" };
  const lockdown = new LockdownControl({ parts, logger });
  const audit = rememberVerdict(parts.audit, (report) => {
    verified.status = VERDICTS[report.exitCode];
    lockdown.onVerified(report);
  });
  const logSizeAtOpen = parts.audit.head().entries;
  const files = { folder: parts.paths.workflows, engine: parts.engine, caller: SYSTEM, logger };
  try {
    await defineWorkflowFiles(files);
    // Leaving the lockdown takes them up.
    const { runs } = lockdown.get().on ? { runs: 0 } : await parts.engine.recover();
    if (runs > 0) logger.info({ runs }, "runs taken up");
    const approvals = await parts.approvals.recover();
    if (approvals > 0) logger.info({ approvals }, "decisions that were cut off by the last stop were carried out");
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
  const watched = watchWorkflowFiles(files);
  // Loading the policy engine takes some 100 ms: done before the first decision waits for it, and after the door is open.
  const warmUp = setTimeout(() => {
    lockdown.checkAtStart();
    parts.policyAdmin.recordAtStart().catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, "the constitution could not be compared with the log");
    });
  }, WARM_UP_MS);
  warmUp.unref();
  void parts.plugins.startActivated();
  const life = { isClosed: false };
  const firstVerify = setTimeout(() => {
    audit.verify().catch((error: unknown) => {
      if (!life.isClosed) logger.warn({ error: messageOf(error) }, "the log could not be verified");
    });
  }, FIRST_VERIFY_MS);
  firstVerify.unref();
  let orphans = Promise.resolve();
  const recordOrphans = setTimeout(() => {
    orphans = recordOrphanedRequests({ parts, before: logSizeAtOpen, logger });
  }, RECORD_ORPHANS_MS);
  recordOrphans.unref();
  return {
    ...{ workflows: parts.engine, plugins: parts.plugins, models: parts.models, audit, access: parts.access },
    registry: {
      search: (query) => searchRegistryPage(resolve(parts.paths.root, options.config.pluginRegistry), query),
    },
    approvals: parts.approvals,
    thoughts: parts.thoughts,
    events: parts.events,
    secrets: parts.secrets,
    policy: parts.policyAdmin,
    lockdown,
    version: parts.version,
    clients: new ClientCalls({ policy: parts.policy, audit: parts.audit, clock: systemClock }),
    status: () => describeStatus(parts, verified.status),
    async [Symbol.asyncDispose]() {
      life.isClosed = true;
      clearTimeout(warmUp);
      clearTimeout(firstVerify);
      clearTimeout(recordOrphans);
      await watched[Symbol.asyncDispose]();
      await orphans;
      await lockdown[Symbol.asyncDispose]();
      await parts[Symbol.asyncDispose]();
    },
  };
}

/** What a crash cut off is recorded once nobody waits for the start any more; what fails here is made good at the next start. */
async function recordOrphanedRequests(options: {
  parts: WorkbenchParts;
  before: number;
  logger: Logger;
}): Promise<void> {
  const { parts, before, logger } = options;
  try {
    const requests = await parts.models.recordOrphans({ history: parts.audit, before });
    if (requests > 0) logger.info({ requests }, "requests to models were cut off by the last stop");
  } catch (error) {
    logger.warn({ error: messageOf(error) }, "requests that were cut off could not be recorded");
  }
}

function rememberVerdict(trail: WorkbenchParts["audit"], onVerified: (report: VerifyReport) => void): AuditService {
  return {
    query: (query) => trail.query(query),
    getEntry: (seq) => trail.getEntry(seq),
    listCheckpoints: (page) => trail.listCheckpoints(page),
    head: () => trail.head(),
    async verify() {
      const report = await trail.verify();
      onVerified(report);
      return report;
    },
  };
}

async function describeStatus(
  parts: WorkbenchParts,
  verified: SystemStatus["audit"]["verified"],
): Promise<SystemStatus> {
  const { aliases, hint } = await parts.models.status();
  const { provider, model, simulated } = aliases.default ?? { provider: "none", model: "none", simulated: true };
  const { available, kind, hint: missing, bounds } = parts.sandbox.status();
  const working = bounds === undefined ? kind : `${kind}: ${describeBounds(bounds)}`;
  return {
    version: parts.version,
    workspace: parts.paths.root,
    startedAt: parts.startedAt,
    sandbox: { available, detail: missing ?? working },
    audit: { ...parts.audit.head(), verified },
    model: { provider, model, simulated, ...(hint === undefined ? {} : { hint }) },
    lockdown: parts.lockdown.state,
    memoryBytes: process.memoryUsage().rss,
  };
}
