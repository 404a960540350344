import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { LogoMeshError, type PluginRuntime } from "@logomesh/contracts";

/** An interpreter and what of the host it needs besides `/usr`. */
export interface Interpreter {
  /** Path inside the sandbox. */
  path: string;
  /** Host folder or file and where it must appear. */
  mount?: { from: string; to: string };
}

const NODE_INSIDE = "/runtime/node";
const PYTHON = "/usr/bin/python3";
const PYTHON_MINOR_MIN = 11;
const PROBE_TIMEOUT_MS = 5_000;

/** Finds interpreters once. */
export class Interpreters {
  readonly #nodePath: string;
  readonly #candidates: readonly string[];
  #python: Interpreter | undefined;

  /** `pythonCandidates`: interpreters to ask when Debian's is missing or too old. */
  constructor(options: { nodePath: string; pythonCandidates?: readonly string[] }) {
    this.#nodePath = options.nodePath;
    this.#candidates = options.pythonCandidates ?? [];
  }

  /** @throws LogoMeshError LM_PLUGIN_RUNTIME_MISSING */
  find(runtime: PluginRuntime): Interpreter {
    switch (runtime) {
      case "nodejs": {
        const real = realpathSync(this.#nodePath);
        return real.startsWith("/usr/")
          ? { path: real }
          : { path: NODE_INSIDE, mount: { from: real, to: NODE_INSIDE } };
      }
      case "python":
        this.#python ??= this.#findPython();
        return this.#python;
      case "shell":
        return { path: "/bin/bash" };
    }
  }

  #findPython(): Interpreter {
    if (existsSync(PYTHON) && realpathSync(PYTHON).startsWith("/usr/") && minorOf(PYTHON) >= PYTHON_MINOR_MIN)
      return { path: PYTHON };
    for (const candidate of this.#candidates) {
      if (minorOf(candidate) < PYTHON_MINOR_MIN) continue;
      // Bound at its own path: elsewhere it would load the system's libpython.
      const prefix = ask(candidate, "import sys; print(sys.base_prefix)");
      if (prefix !== undefined && prefix !== "/" && existsSync(`${prefix}/bin/python3`))
        return { path: `${prefix}/bin/python3`, mount: { from: prefix, to: prefix } };
    }
    throw new LogoMeshError(
      "LM_PLUGIN_RUNTIME_MISSING",
      `No Python 3.${PYTHON_MINOR_MIN} or newer was found. Install it with: apt-get install python3`,
    );
  }
}

function minorOf(python: string): number {
  return Number(ask(python, "import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)") ?? 0);
}

function ask(python: string, program: string): string | undefined {
  try {
    return execFileSync(python, ["-I", "-c", program], { encoding: "utf8", timeout: PROBE_TIMEOUT_MS, env: {} }).trim();
  } catch {
    return undefined;
  }
}
