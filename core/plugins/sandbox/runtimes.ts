import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { promisify } from "node:util";
import { LogoMeshError, type PluginRuntime } from "@logomesh/contracts";
import { NODE_INSIDE, type Mount } from "./bubblewrapArgs.ts";

const run = promisify(execFile);

export const SYSTEM_PYTHON = "/usr/bin/python3";
const PYTHON_MIN = [3, 11] as const;
/** A version manager's shim may start half a shell. */
const PROBE_TIMEOUT_MS = 5000;
const PROBE = "import sys; print(*sys.version_info[:2], sys.base_prefix)";

/** An interpreter as a plugin sees it. */
export interface Runtime {
  /** Path inside. */
  interpreter: string;
  /** What has to be bound for it, beyond `/usr`. */
  mount: Mount | undefined;
}

export interface RuntimeFinderOptions {
  /** The Node that runs the workbench, which runs its plugins too. */
  nodePath: string;
  /** Pythons to ask in this order; interpreters, not a version manager's shims. */
  pythonCandidates: readonly string[];
}

/**
 * Finds interpreters, each once.
 * @throws LogoMeshError LM_PLUGIN_RUNTIME_MISSING
 */
export function createRuntimeFinder({ nodePath, pythonCandidates }: RuntimeFinderOptions) {
  let python: Runtime | undefined;
  return async (runtime: PluginRuntime): Promise<Runtime> => {
    switch (runtime) {
      case "nodejs":
        return { interpreter: NODE_INSIDE, mount: { source: realpathSync(nodePath), destination: NODE_INSIDE } };
      case "python":
        python ??= await findPython(pythonCandidates);
        return python;
      case "shell":
        return { interpreter: "/usr/bin/bash", mount: undefined };
    }
  };
}

async function findPython(candidates: readonly string[]): Promise<Runtime> {
  const tried: string[] = [];
  for (const candidate of candidates) {
    const found = await askPython(candidate);
    if (typeof found !== "string") return found;
    tried.push(`${candidate}: ${found}`);
  }
  throw new LogoMeshError(
    "LM_PLUGIN_RUNTIME_MISSING",
    `No Python ${PYTHON_MIN.join(".")} or newer was found (${tried.join("; ")}). Install python3, or set the path of an interpreter, not of a version manager's shim.`,
  );
}

/** The runtime, or why the candidate is none. */
async function askPython(candidate: string): Promise<Runtime | string> {
  let answer: string;
  try {
    answer = (await run(candidate, ["-I", "-c", PROBE], { env: {}, cwd: "/", timeout: PROBE_TIMEOUT_MS })).stdout;
  } catch {
    return "is missing or does not run on its own";
  }
  const [, major = "", minor = "", prefix] = /^(\d+) (\d+) (\/.+)\n$/.exec(answer) ?? [];
  if (prefix === undefined) return "is not a Python interpreter";
  const isOld = Number(major) !== PYTHON_MIN[0] || Number(minor) < PYTHON_MIN[1];
  if (isOld) return `has version ${major}.${minor}`;
  if (candidate === SYSTEM_PYTHON) return { interpreter: candidate, mount: undefined };
  // At its own path: bound elsewhere, its loader falls back to another installation's library.
  const isInUsr = prefix === "/usr" || prefix.startsWith("/usr/");
  return {
    interpreter: `${prefix}/bin/python${major}.${minor}`,
    mount: isInUsr ? undefined : { source: prefix, destination: prefix },
  };
}
