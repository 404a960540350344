import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
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
  /** Of the programs that its plugins run. */
  childBytes(): number;
  /** CPU time of its own process since its start. */
  cpuMs(): number;
  /** SIGKILL, as after a crash. */
  kill(): Promise<void>;
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
    childBytes: () => leavesBelow(child.pid ?? 0).reduce((sum, pid) => sum + residentBytes(pid), 0),
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    async kill() {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
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

/** Processes below one that started none themselves: of a sandbox, the plugin. */
function leavesBelow(pid: number): number[] {
  const children = childrenOf(pid);
  return children.flatMap((child) => (childrenOf(child).length === 0 ? [child] : leavesBelow(child)));
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "))
    .filter((text) => text !== "")
    .map(Number);
}

/** The kernel counts in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Resident memory of one process, from /proc. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
