import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "..");
const READY_MS_MAX = 30_000;
/** Asking without a pause would take a core from what is measured. */
const POLL_MS = 2;

/** A workbench of its own process on a workspace of its own, reached over loopback. */
export interface WorkbenchProcess extends AsyncDisposable {
  url: string;
  token: string;
  /** From spawning the process to the first answer of /readyz. */
  readyMs: number;
  memoryBytes(): number;
}

/** An empty folder for a workspace; the checkpoints that belong outside it go to a folder beside it. */
export function createBenchFolder(): Disposable & { workspace: string; environment: NodeJS.ProcessEnv } {
  const folder = mkdtempSync(join(tmpdir(), "logomesh-bench-"));
  return {
    workspace: join(folder, "workspace"),
    environment: {
      ...process.env,
      XDG_STATE_HOME: join(folder, "state"),
      XDG_CONFIG_HOME: join(folder, "config"),
      LOGOMESH_LOG: "error",
      OLLAMA_HOST: "127.0.0.1:9",
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function initWorkspace(folder: { workspace: string; environment: NodeJS.ProcessEnv }): Promise<void> {
  const child = spawn(process.execPath, [join(REPOSITORY, "cli/logomesh.mjs"), "init", folder.workspace], {
    env: folder.environment,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`logomesh init ended with code ${String(code)}.`);
}

export async function startWorkbench(folder: {
  workspace: string;
  environment: NodeJS.ProcessEnv;
}): Promise<WorkbenchProcess> {
  const port = 20_000 + (process.pid % 20_000);
  const startedMs = performance.now();
  const child = spawn(process.execPath, [join(REPOSITORY, "cli/logomesh.mjs"), "start"], {
    env: { ...folder.environment, LOGOMESH_WORKSPACE: folder.workspace, LOGOMESH_PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(url, child);
  return {
    url,
    token: readFileSync(join(folder.workspace, ".logomesh/token"), "utf8").trim(),
    readyMs: performance.now() - startedMs,
    memoryBytes: () => residentBytes(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      const closed = once(child, "close");
      child.kill("SIGTERM");
      await closed;
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + READY_MS_MAX;
  while (performance.now() < endMs) {
    if (child.exitCode !== null) throw new Error(`The workbench ended with code ${child.exitCode}.`);
    const ready = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`The workbench was not ready within ${READY_MS_MAX} ms.`);
}

/** Resident memory of one process, from /proc. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
