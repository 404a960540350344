import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type JsonObject, type Plugin, type PluginRuntime } from "@logomesh/contracts";
import {
  createLogger,
  createWorkbench,
  initWorkspace,
  loadConfig,
  requireWorkspace,
  type Caller,
  type Workbench,
} from "../../../core/app/index.ts";
import { TestHost } from "../../../core/plugins/testingHost.ts";
import { createTempFolder, silentLogger } from "../../../core/testing/index.ts";
import { startServer } from "../../../server/index.ts";
import { freePort, processesWith } from "../../support/workbenchProcess.ts";
import { RUNTIMES, writeAgent, type AgentOptions } from "./agents.ts";
import { Canaries, describeTree, type Targets } from "./canaries.ts";

/** What came of running code in a plugin. */
export interface Attempt {
  runtime: PluginRuntime;
  /** What the code printed; empty when the call failed. */
  output: string;
  code?: string;
  message?: string;
}

interface RunOptions {
  timeoutMs?: number;
  tool?: string;
}

export const hostile = (runtime: PluginRuntime): string => `org.example.hostile-${runtime}`;
const NEIGHBOUR = "org.example.neighbour";

/**
 * A whole workbench with its server, canaries around it, a hostile plugin of each runtime that was granted nothing, and an honest neighbour;
 * beside it the same plugins without a sandbox, to show that an attack works.
 */
export class Arena implements AsyncDisposable {
  readonly targets: Targets;
  readonly root: string;
  readonly url: string;
  /** Logs a browser in, once. */
  readonly loginLink: string;
  readonly port: number;
  readonly workbench: Workbench;
  readonly caller: Caller;
  readonly canaries: Canaries;
  /** Everything that the workbench logged. */
  readonly logged: string[];
  /** What plugins said since `begin`. */
  said: string[] = [];
  /** What an attack may change: members of `state`. */
  expected: string[] = [];
  readonly #outside: TestHost;
  /** A folder for what an attack brings along. */
  readonly scratch: string;
  readonly #close: AsyncDisposable;
  #written = 0;

  private constructor(
    parts: Pick<
      Arena,
      "root" | "url" | "loginLink" | "port" | "workbench" | "caller" | "canaries" | "logged" | "scratch"
    > & {
      outside: TestHost;
      close: AsyncDisposable;
    },
  ) {
    ({
      root: this.root,
      url: this.url,
      loginLink: this.loginLink,
      port: this.port,
      workbench: this.workbench,
      caller: this.caller,
    } = parts);
    ({ canaries: this.canaries, logged: this.logged, outside: this.#outside, scratch: this.scratch } = parts);
    this.targets = parts.canaries.targets;
    this.#close = parts.close;
  }

  /** With the page, when its folder is named. */
  static async open({ webFolder }: { webFolder?: string } = {}): Promise<Arena> {
    await using stack = new AsyncDisposableStack();
    const canaries = stack.use(await Canaries.place());
    process.env["LOGOMESH_CANARY"] = canaries.targets.token;
    stack.defer(() => {
      delete process.env["LOGOMESH_CANARY"];
    });
    const folder = stack.use(createTempFolder("logomesh-arena-"));
    const root = join(folder.path, "workspace");
    const environment = { XDG_STATE_HOME: join(folder.path, "state") };
    const port = await freePort();
    await initWorkspace({ root, environment, logger: silentLogger });
    const paths = requireWorkspace(root);
    writeFileSync(join(root, "docs/private.md"), canaries.targets.token, { mode: 0o644 });
    const settings = { OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: String(port) };
    const config = loadConfig({ file: paths.config, environment: settings });
    const logged: string[] = [];
    const logger = createLogger({ level: "debug", stream: { write: (line) => void logged.push(line) } });
    const workbench = stack.use(await createWorkbench({ root, config, logger, environment }));
    const startedAt = new Date().toISOString();
    const { serverFile } = paths;
    const server = stack.use(
      await startServer({
        ...{ workbench, config, logger, serverFile, pid: process.pid, startedAt },
        ...(webFolder === undefined ? {} : { webFolder }),
      }),
    );
    const token = readFileSync(paths.token, "utf8").trim();
    const { caller } = workbench.access.authenticate(token) ?? {};
    if (caller === undefined) throw new Error("the workspace's own token is not known");
    const outside = stack.use(new TestHost());
    for (const runtime of RUNTIMES) writeAgent(join(outside.pluginsFolder, runtime), { id: hostile(runtime), runtime });
    await outside.open();
    const parts = {
      root,
      url: server.url,
      loginLink: server.createLoginLink(),
      port,
      workbench,
      caller,
      canaries,
      logged,
      outside,
      scratch: folder.path,
    };
    const arena = new Arena({ ...parts, close: stack.move() });
    const agents = RUNTIMES.map((runtime) => ({ id: hostile(runtime), runtime }));
    // The first start writes into the grant what the tools say.
    for (const agent of [...agents, { id: NEIGHBOUR, runtime: "nodejs" as const }]) {
      await arena.install(agent);
      await workbench.plugins.load(agent.id, caller);
    }
    return arena;
  }

  /** Installs an agent and grants what its manifest asks for, as a person would. */
  async install(options: AgentOptions): Promise<Plugin> {
    const { id, sha256 } = await this.put(options);
    return await this.workbench.plugins.grant(id, { sha256, caller: this.caller });
  }

  /** Installs an agent that is granted nothing yet. */
  async put(options: AgentOptions): Promise<Plugin> {
    const folder = writeAgent(join(this.scratch, `bundle-${(this.#written += 1)}`), options);
    return await this.workbench.plugins.install({ path: folder }, this.caller);
  }

  async uninstall(id: string): Promise<void> {
    await this.workbench.plugins.uninstall(id, { force: true, caller: this.caller });
  }

  /** Runs code in a plugin of the workbench; in a new process when the last one fell. */
  async run(id: string, code: string, options: RunOptions = {}): Promise<Attempt> {
    const { plugins } = this.workbench;
    const { state } = plugins.get(id);
    if (state === "crashed" || state === "quarantined") await plugins.release(id, this.caller);
    return await this.call(id, code, options);
  }

  /** The same, whatever state the plugin is in. */
  async call(id: string, code: string, { timeoutMs = 10_000, tool = "attack" }: RunOptions = {}): Promise<Attempt> {
    const { plugins } = this.workbench;
    const { runtime } = plugins.get(id);
    const params = { arguments: encode(code), timeoutMs };
    const options = { caller: this.caller, signal: new AbortController().signal };
    const attempt = await outcomeOf(runtime, () => plugins.call({ pluginId: id, tool }, params, options));
    this.said.push(attempt.output, attempt.message ?? "", ...plugins.logs(id));
    return attempt;
  }

  /** The same code in the same plugin, with no sandbox around it. */
  async runOutside(runtime: PluginRuntime, code: string): Promise<Attempt> {
    return outcomeOf(runtime, () => this.#outside.call("attack", encode(code), { pluginId: hostile(runtime) }));
  }

  /** Ends a plugin's process, so that the next attempt begins with a new one. */
  async renew(id: string): Promise<void> {
    await this.workbench.plugins.unload(id, this.caller);
  }

  /** Processes of this machine whose command line holds a name. */
  processesNamed(name: string): number[] {
    return processesWith(name);
  }

  async callNeighbour(): Promise<void> {
    const { output, code, message } = await this.run(NEIGHBOUR, "print('alive')");
    if (this.workbench.lockdown.get().on) return;
    if (output !== "alive") throw new Error(`the neighbour answered ${output} ${code ?? ""} ${message ?? ""}`);
  }

  /** Of an attack: what plugins say from now on is looked at. */
  begin(): void {
    this.said = [];
    this.expected = [];
    this.logged.length = 0;
    this.canaries.heard = [];
  }

  /** What an attack must leave as it is: files, rows of the database, the victim. */
  async state(): Promise<JsonObject> {
    const { workbench } = this;
    const ids = [...RUNTIMES.map(hostile), NEIGHBOUR];
    const approvals = await workbench.approvals.list({ limit: 100 });
    return {
      ...this.canaries.state(),
      workspace: describeTree(this.root, [".logomesh"]),
      grants: ids.map((id) => workbench.plugins.grantOf(id)),
      approvals: approvals.items.map(({ id, status }) => `${id} ${status}`),
      thoughts: (await workbench.thoughts.list({ limit: 100 })).items.map(({ id }) => id),
      workflows: (await workbench.workflows.listWorkflows({ limit: 100 })).items,
      secrets: workbench.secrets.list(),
      constitution: workbench.policy.constitution(),
      tokens: (await workbench.access.listTokens()).map(({ id, name }) => `${id} ${name}`),
      lockdown: workbench.lockdown.get(),
    } as unknown as JsonObject;
  }

  /** Where the token came to light since `begin`. */
  async leaks(): Promise<string[]> {
    const { token } = this.targets;
    const { items } = await this.workbench.audit.query({ limit: 100 });
    const texts = [...this.said, ...this.logged, ...items.map((entry) => JSON.stringify(entry))];
    return texts.filter((text) => text.includes(token)).map((text) => text.slice(0, 500));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close[Symbol.asyncDispose]();
  }
}

function encode(code: string): JsonObject {
  return { code: Buffer.from(code).toString("base64") };
}

async function outcomeOf(
  runtime: PluginRuntime,
  call: () => Promise<{ structuredContent?: unknown }>,
): Promise<Attempt> {
  try {
    const { structuredContent } = await call();
    const { output = "" } = (structuredContent ?? {}) as { output?: string };
    return { runtime, output: Buffer.from(output, "base64").toString() };
  } catch (error) {
    if (!(error instanceof LogoMeshError)) throw error;
    return { runtime, output: "", code: error.code, message: error.message };
  }
}
