import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { LogoMeshError, WORKFLOW_SOURCE_BYTES_MAX } from "@logomesh/contracts";
import type { DefineWorkflowResult } from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import type { Logger } from "../ports/index.ts";
import type { TaskEngine } from "../workflows/index.ts";
import type { Caller } from "./workbench.ts";

/** Files of one folder that are read; more are a mistake. */
const FILES_MAX = 2_000;

export interface DefineWorkflowFilesOptions {
  /** The workspace's `workflows/`. */
  folder: string;
  engine: TaskEngine;
  caller: Caller;
  logger: Logger;
}

export function isWorkflowFile(name: string): boolean {
  return /\.(ya?ml|json)$/i.test(name);
}

/**
 * Stores every definition of a workspace's `workflows/`. A file that is not valid is logged and left out; the others are there.
 * Nothing is granted unless the caller is an admin: a file that came with a copied folder is not yet approved. Starting it as an admin is.
 */
export async function defineWorkflowFiles(options: DefineWorkflowFilesOptions): Promise<DefineWorkflowResult[]> {
  const { folder } = options;
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter(isWorkflowFile).sort();
  if (files.length > FILES_MAX)
    throw new LogoMeshError(
      "LM_WORKSPACE_INVALID",
      `${folder} holds ${files.length} workflows; at most ${FILES_MAX} are read.`,
    );
  const defined: DefineWorkflowResult[] = [];
  for (const name of files) {
    const result = await defineWorkflowFile(join(folder, name), options);
    if (result !== undefined) defined.push(result);
  }
  return defined;
}

/** Undefined when the file is not valid, or nothing is to be done because exactly this text is stored already. */
export async function defineWorkflowFile(
  file: string,
  { engine, caller, logger }: Omit<DefineWorkflowFilesOptions, "folder">,
): Promise<DefineWorkflowResult | undefined> {
  try {
    const text = { source: readSource(file), origin: basename(file) };
    // Checking a definition takes up to 100 ms: it loads validators, and real jq for what is not compiled.
    if (!caller.scopes.includes("admin") && engine.isDefined(text)) return undefined;
    return await engine.define({ ...text, caller });
  } catch (error) {
    const { code, message, problems = [] } = toLogoMeshError(error);
    // A single fault is said by the message, with its place.
    const more = problems.length > 1 ? { problems } : {};
    logger.warn({ file, code, problem: message, ...more }, "a workflow file is not valid and was left out");
    return undefined;
  }
}

/** Of a pipe or a device reading might never end. */
function readSource(file: string): string {
  const facts = statSync(file);
  const { size } = facts;
  if (!facts.isFile()) throw new LogoMeshError("LM_INPUT_INVALID", `${file} is no file.`);
  if (size > WORKFLOW_SOURCE_BYTES_MAX)
    throw new LogoMeshError(
      "LM_TOO_LARGE",
      `${file} has ${size} bytes; a workflow has at most ${WORKFLOW_SOURCE_BYTES_MAX}.`,
    );
  return readFileSync(file, "utf8");
}
