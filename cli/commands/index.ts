import type { Command } from "../context.ts";
import { approvalCommands } from "./approval.ts";
import { auditCommands } from "./audit.ts";
import { eventCommands } from "./event.ts";
import { llmCommands } from "./llm.ts";
import { lockdownCommands } from "./lockdown.ts";
import { mcpCommands } from "./mcp.ts";
import { pluginCommands } from "./plugin.ts";
import { devCommand } from "./pluginDev.ts";
import { pluginInstallCommands } from "./pluginInstall.ts";
import { pluginPrivacyCommands } from "./pluginPrivacy.ts";
import { pluginToolkitCommands } from "./pluginToolkit.ts";
import { policyCommands } from "./policy.ts";
import { runCommand } from "./run.ts";
import { runsCommands } from "./runs.ts";
import { runOperationCommands } from "./runOperations.ts";
import { secretCommands } from "./secret.ts";
import { thoughtCommands } from "./thought.ts";
import { tokenCommands } from "./token.ts";
import { workbenchCommands } from "./workbench.ts";
import { workflowCommands } from "./workflow.ts";

/** Every command by its words, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ...workbenchCommands,
  run: runCommand,
  ...runsCommands,
  ...runOperationCommands,
  ...workflowCommands,
  ...pluginCommands,
  ...pluginInstallCommands,
  ...pluginPrivacyCommands,
  ...pluginToolkitCommands,
  "plugin dev": devCommand,
  ...llmCommands,
  ...thoughtCommands,
  ...approvalCommands,
  ...eventCommands,
  ...secretCommands,
  ...auditCommands,
  ...policyCommands,
  ...mcpCommands,
  ...tokenCommands,
  ...lockdownCommands,
};
