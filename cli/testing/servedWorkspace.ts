import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli, type CliResult } from "./runCli.ts";

/** A new workspace with its real workbench (database, plugins, sandbox, no model but the mock), served in this process. */
export interface ServedWorkspace extends AsyncDisposable {
  root: string;
  /** Runs a line as somebody types it in the workspace's folder: `logomesh …`, several joined by `&&`. Stops at the first that fails. */
  type: (line: string, options?: { stdin?: string }) => Promise<CliResult>;
}

/** `settings` is its logomesh.yaml, by default that of a new workspace. */
export async function serveWorkspace({ settings }: { settings?: string } = {}): Promise<ServedWorkspace> {
  const folder = mkdtempSync(join(tmpdir(), "logomesh-served-"));
  const root = join(folder, "workspace");
  const env = {
    PATH: process.env.PATH,
    LOGOMESH_WORKSPACE: root,
    XDG_STATE_HOME: join(folder, "state"),
    LOGOMESH_LOG: "silent",
    LOGOMESH_PORT: "0",
    OLLAMA_HOST: "127.0.0.1:9",
  };
  const init = await runCli(["init"], { env, cwd: folder });
  if (init.code !== 0) throw new Error(`init: ${init.err}`);
  if (settings !== undefined) writeFileSync(join(root, "logomesh.yaml"), settings);
  const stop = new AbortController();
  const started = Promise.withResolvers<undefined>();
  const onOut = (out: string): void => {
    if (out.includes("Ctrl-C")) started.resolve(undefined);
  };
  const running = runCli(["start"], { env, cwd: folder, signal: stop.signal, onOut });
  await Promise.race([started.promise, running.then(({ err }) => Promise.reject(new Error(`start: ${err}`)))]);
  return {
    root,
    async type(line, options = {}) {
      const all = { code: 0, out: "", err: "" };
      for (const command of commandsOf(line)) {
        const result = await runCli(command, { env, cwd: root, ...options });
        all.code = result.code;
        all.out += result.out;
        all.err += result.err;
        if (result.code !== 0) break;
      }
      return all;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Arguments of each command of a line, without the program's name; quotes as the shell takes them, nothing else of it. */
function commandsOf(line: string): string[][] {
  return line.split("&&").map((command) => {
    const words = [...command.matchAll(/(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+/g)].map(([word]) =>
      word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_all, double?: string, single?: string) =>
        double === undefined ? (single ?? "") : double.replace(/\\(.)/g, "$1"),
      ),
    );
    const [program = "", ...rest] = words;
    if (!/(^|\/)logomesh$/.test(program)) throw new Error(`This line is no command of logomesh: ${line}`);
    return rest;
  });
}
