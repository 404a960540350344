import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@logomesh/contracts/client";

const ROOT = join(import.meta.dirname, "../..");
const CLI = join(ROOT, "cli/logomesh.mjs");
const READY_MS_MAX = 30_000;

/** A workspace of its own in a temporary folder, with everything that belongs to it. */
export interface TestWorkspace extends Disposable {
  root: string;
  environment: NodeJS.ProcessEnv;
}

/** A workbench as a process of its own. */
export interface WorkbenchProcess {
  url: string;
  client: Client;
  pid: number;
  /** From the start of the process to the first answer of /readyz. */
  readyMs: number;
  /** What it printed on standard output so far. */
  output: () => string;
  kill: (signal: "SIGKILL" | "SIGINT") => Promise<void>;
}

/** `environment`: added to that of the process */
export async function createTestWorkspace(environment: NodeJS.ProcessEnv = {}): Promise<TestWorkspace> {
  const folder = mkdtempSync(join(tmpdir(), "logomesh-test-"));
  const root = join(folder, "workspace");
  const all = {
    ...process.env,
    LOGOMESH_WORKSPACE: root,
    XDG_STATE_HOME: join(folder, "state"),
    LOGOMESH_PORT: String(await freePort()),
    LOGOMESH_LOG: "error",
    // Nobody listens on the discard port: answers are the mock's, whatever this machine has.
    OLLAMA_HOST: "127.0.0.1:9",
    ...environment,
  };
  const init = await runCli(["init"], all);
  if (init.code !== 0) throw new Error(`init ended with ${String(init.code)}: ${init.stderr}`);
  return { root, environment: all, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export async function runCli(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [CLI, ...argv], { env: environment, cwd: ROOT });
  const result = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (result.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (result.stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...result };
}

export async function startWorkbench({ root, environment }: TestWorkspace): Promise<WorkbenchProcess> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [CLI, "start"], {
    env: environment,
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, "close");
  const url = `http://127.0.0.1:${environment.LOGOMESH_PORT ?? ""}`;
  await waitUntilReady(url, child);
  const token = readFileSync(join(root, ".logomesh/token"), "utf8").trim();
  return {
    url,
    client: createClient({ baseUrl: url, token }),
    pid: child.pid ?? 0,
    readyMs: performance.now() - startedMs,
    output: () => output,
    async kill(signal) {
      child.kill(signal);
      await closed;
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + READY_MS_MAX;
  while (performance.now() < endMs) {
    if (child.exitCode !== null) throw new Error(`The workbench ended with code ${child.exitCode}.`);
    const isReady = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`The workbench was not ready within ${READY_MS_MAX} ms.`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Processes whose command line holds a text; zombies are not counted. */
export function processesWith(text: string): number[] {
  return listPids().filter((pid) => {
    const status = readOrEmpty(`/proc/${pid}/status`);
    return !/^State:\s+Z/m.test(status) && readOrEmpty(`/proc/${pid}/cmdline`).includes(text);
  });
}

function listPids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
