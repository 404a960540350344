import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
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
  const asked = await askPythons(candidates);
  const found = asked.find(({ runtime }) => runtime !== undefined)?.runtime;
  if (found !== undefined) return found;
  throw new LogoMeshError(
    "LM_PLUGIN_RUNTIME_MISSING",
    `No Python ${PYTHON_MIN.join(".")} or newer was found (${describeRefused(asked)}). Install python3, or put the folder of an interpreter into PATH.`,
  );
}

/** A Python that was looked at. */
export interface AskedPython {
  candidate: string;
  /** Absent for one that plugins cannot run with. */
  runtime?: Runtime;
  /** Its version, or why it is none. */
  answer: string;
}

/** Asks one after the other, until one can run plugins. */
export async function askPythons(candidates: readonly string[]): Promise<AskedPython[]> {
  const asked: AskedPython[] = [];
  for (const candidate of candidates) {
    const found = await askPython(candidate);
    asked.push({ candidate, ...found });
    if (found.runtime !== undefined) break;
  }
  return asked;
}

export function describeRefused(asked: readonly AskedPython[]): string {
  const refused = asked.filter(({ runtime }) => runtime === undefined);
  return refused.map(({ candidate, answer }) => `${candidate}: ${answer}`).join("; ");
}

/** The system's Python first, then what a shell would find, then what pyenv keeps, the newest first. */
export function pythonCandidates(environment: Readonly<Record<string, string | undefined>>): string[] {
  const { PATH = "", PYENV_ROOT, HOME = "" } = environment;
  const inPath = PATH.split(":")
    .filter((folder) => folder.startsWith("/"))
    .map((folder) => join(folder, "python3"));
  const pyenv = join(PYENV_ROOT ?? join(HOME, ".pyenv"), "versions");
  const versions = readdirIfThere(pyenv)
    .sort(new Intl.Collator("en", { numeric: true }).compare)
    .reverse();
  const kept = versions.map((version) => join(pyenv, version, "bin/python3"));
  return [...new Set([SYSTEM_PYTHON, ...inPath, ...kept])].filter(
    (candidate) => candidate === SYSTEM_PYTHON || existsSync(candidate),
  );
}

function readdirIfThere(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function askPython(candidate: string): Promise<Omit<AskedPython, "candidate">> {
  let answer: string;
  try {
    answer = (await run(candidate, ["-I", "-c", PROBE], { env: {}, cwd: "/", timeout: PROBE_TIMEOUT_MS })).stdout;
  } catch {
    return { answer: existsSync(candidate) ? refusalOf(candidate) : "is missing" };
  }
  const [, major = "", minor = "", prefix] = /^(\d+) (\d+) (\/.+)\n$/.exec(answer) ?? [];
  if (prefix === undefined) return { answer: "is not a Python interpreter" };
  const version = `${major}.${minor}`;
  if (Number(major) !== PYTHON_MIN[0] || Number(minor) < PYTHON_MIN[1]) return { answer: `has version ${version}` };
  if (candidate === SYSTEM_PYTHON) return { answer: version, runtime: { interpreter: candidate, mount: undefined } };
  // At its own path: bound elsewhere, its loader falls back to another installation's library.
  const isInUsr = prefix === "/usr" || prefix.startsWith("/usr/");
  const interpreter = `${prefix}/bin/python${version}`;
  return {
    answer: version,
    runtime: { interpreter, mount: isInUsr ? undefined : { source: prefix, destination: prefix } },
  };
}

/** A script that stands for an interpreter chooses one by an environment that plugins do not have. */
function refusalOf(candidate: string): string {
  try {
    const isScript = readFileSync(candidate).subarray(0, 2).toString() === "#!";
    return isScript ? "is a version manager's shim, not an interpreter" : "does not run on its own";
  } catch {
    return "cannot be read";
  }
}
