import { accessSync, constants, existsSync, statSync } from "node:fs";
import { systemClock } from "../base/index.ts";
import { loadConfig } from "../config/index.ts";
import { lockWorkspace, quickCheck } from "../db/index.ts";
import { messageOf, toLogoMeshError } from "../base/index.ts";
import type { Logger } from "../ports/index.ts";
import { requireDatabase } from "./requireDatabase.ts";
import { workspacePaths, type WorkspacePaths } from "./workspace.ts";

/** One thing that was looked at. */
export interface Diagnosis {
  name: string;
  status: "ok" | "warn" | "fail";
  detail: string;
  /** What to do, where something is to be done. */
  fix?: string;
  /** The same, for programs. */
  facts?: Record<string, string>;
}

const NODE_MAJOR_MIN = 24;

/** Looks at everything that a workbench needs, and changes nothing. */
export async function diagnose(options: {
  root: string;
  environment: Record<string, string | undefined>;
  logger: Logger;
}): Promise<Diagnosis[]> {
  const { root, environment, logger } = options;
  const paths = workspacePaths(root);
  return [
    checkNode(),
    ...(await checkSandbox(logger)),
    await checkPython(environment),
    await checkModel(environment),
    ...checkWorkspace(paths, environment),
  ];
}

function checkNode(): Diagnosis {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= NODE_MAJOR_MIN) return { name: "Node.js", status: "ok", detail: process.version };
  return {
    name: "Node.js",
    status: "fail",
    detail: process.version,
    fix: `Version ${NODE_MAJOR_MIN} or newer is needed: script/bootstrap gets it.`,
  };
}

async function checkSandbox(logger: Logger): Promise<Diagnosis[]> {
  const { createBubblewrapSandbox, describeBounds } = await import("../plugins/index.ts");
  using sandbox = createBubblewrapSandbox({ logger, clock: systemClock, nodePath: process.execPath });
  const { available, kind, hint, bounds } = sandbox.status();
  if (!available) {
    const detail = "none: plugins of level “sandbox” are refused, nothing runs unsandboxed";
    return [{ name: "Sandbox", status: "fail", detail, ...(hint === undefined ? {} : { fix: hint }) }];
  }
  const found: Diagnosis[] = [{ name: "Sandbox", status: "ok", detail: kind }];
  if (bounds === undefined) return found;
  const { hint: fix, ...facts } = bounds;
  const limits = { name: "Limits", detail: describeBounds(bounds), facts };
  found.push(fix === undefined ? { ...limits, status: "ok" } : { ...limits, status: "warn", fix });
  return found;
}

async function checkPython(environment: Record<string, string | undefined>): Promise<Diagnosis> {
  const { askPythons, describeRefused, pythonCandidates } = await import("../plugins/index.ts");
  const asked = await askPythons(pythonCandidates(environment));
  const found = asked.find(({ runtime }) => runtime !== undefined);
  const refused = describeRefused(asked);
  if (found !== undefined) {
    const passed = refused === "" ? "" : `; passed over: ${refused}`;
    return { name: "Python", status: "ok", detail: `${found.answer} at ${found.candidate}${passed}` };
  }
  return {
    name: "Python",
    status: "warn",
    detail: `none of version 3.11 or newer; Python plugins do not start (${refused})`,
    fix: "apt-get install python3",
  };
}

async function checkModel(environment: Record<string, string | undefined>): Promise<Diagnosis> {
  try {
    const { OllamaExecutor } = await import("../llm/index.ts");
    const { ollamaUrl } = loadConfig({ file: "", environment: { OLLAMA_HOST: environment.OLLAMA_HOST } });
    await using ollama = new OllamaExecutor({ url: ollamaUrl });
    const { info, models } = await ollama.probe();
    if (info.available && models.length > 0)
      return {
        name: "Model",
        status: "ok",
        detail: `Ollama ${info.version ?? ""} with ${models.map(({ name }) => name).join(", ")}`,
      };
    return {
      name: "Model",
      status: "warn",
      detail: "answers are simulated (mock)",
      fix: info.hint ?? "ollama pull qwen3:4b",
    };
  } catch (error) {
    return { name: "Model", status: "warn", detail: "answers are simulated (mock)", fix: messageOf(error) };
  }
}

function checkWorkspace(paths: WorkspacePaths, environment: Record<string, string | undefined>): Diagnosis[] {
  if (!existsSync(paths.config))
    return [
      { name: "Workspace", status: "warn", detail: `${paths.root} is none yet`, fix: `logomesh init ${paths.root}` },
    ];
  return [
    attempt("Settings", () => {
      const { host, port } = loadConfig({ file: paths.config, environment });
      return `${host}:${port}`;
    }),
    attempt("Keys", () => {
      accessSync(paths.keys, constants.R_OK);
      if ((statSync(paths.state).mode & 0o077) !== 0)
        throw new Error(`${paths.state} is readable by others; run chmod 700 on it`);
      return "readable by you alone";
    }),
    attempt("Database", () => {
      using lock = tryLock(paths);
      if (lock === undefined) return "in use by a running workbench, which checks it itself";
      requireDatabase(paths);
      if (existsSync(paths.database)) quickCheck({ path: paths.database });
      return "sound";
    }),
  ];
}

function tryLock(paths: WorkspacePaths): Disposable | undefined {
  try {
    return lockWorkspace({ folder: paths.state, pid: process.pid });
  } catch (error) {
    if (toLogoMeshError(error).code === "LM_WORKSPACE_LOCKED") return undefined;
    throw error;
  }
}

function attempt(name: string, check: () => string): Diagnosis {
  try {
    return { name, status: "ok", detail: check() };
  } catch (error) {
    return { name, status: "fail", detail: messageOf(error) };
  }
}
