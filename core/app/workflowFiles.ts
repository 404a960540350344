import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import type { DefineWorkflowResult } from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type { Logger } from "../ports/index.ts";
import type { TaskEngine } from "../workflows/index.ts";
import type { Caller } from "./workbench.ts";

/** Files of one folder that are read; more are a mistake. */
const FILES_MAX = 2_000;

/**
 * Stores every definition of a workspace's `workflows/`. A file that is not valid is logged and left out; the others are there.
 * Nothing is granted unless the caller is an admin: a file that came with a copied folder is not yet approved. Starting it as an admin is.
 */
export async function defineWorkflowFiles(options: {
  folder: string;
  engine: TaskEngine;
  caller: Caller;
  logger: Logger;
}): Promise<DefineWorkflowResult[]> {
  const { folder, engine, caller, logger } = options;
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder)
    .filter((name) => /\.(ya?ml|json)$/i.test(name))
    .sort();
  if (files.length > FILES_MAX)
    throw new LogoMeshError(
      "LM_WORKSPACE_INVALID",
      `${folder} holds ${files.length} workflows; at most ${FILES_MAX} are read.`,
    );
  const defined: DefineWorkflowResult[] = [];
  for (const name of files) {
    const file = join(folder, name);
    try {
      defined.push(await engine.define({ source: readFileSync(file, "utf8"), origin: basename(file), caller }));
    } catch (error) {
      const { code, message, problems } = toLogoMeshError(error);
      logger.warn({ file, code, problem: message, problems }, "a workflow file is not valid and was left out");
    }
  }
  return defined;
}
