import { watch } from "node:fs";
import { resolve, sep } from "node:path";
import { LogoMeshError, type Plugin } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { connect } from "../connect.ts";
import type { CliContext, Command } from "../context.ts";
import { newLines, wait } from "../output/followLogs.ts";
import { printPlugin, requestLines } from "../output/printPlugin.ts";
import { visibleLine } from "../output/text.ts";

/** Editors write a file in several steps, and a save may be of several files. */
const SETTLE_MS = 60;
const LOG_PERIOD_MS = 300;
/** Left-overs of tools; they are no part of a plugin. */
const IGNORED = new Set([".git", "__pycache__", ".DS_Store"]);

export const devCommand: Command = {
  usage: "<folder> [--grant]",
  summary: "Serve a plugin from its folder, again after each save, until Ctrl-C",
  positionals: { min: 1, max: 1 },
  options: { grant: { type: "boolean", help: "grant what each save asks for, which is shown" } },
  examples: ["logomesh plugin dev ./words --grant"],
  async run({ positionals: [path = ""], values, json }, context) {
    const { client } = await connect(context);
    const folder = resolve(context.cwd, path);
    const session = new DevSession({ client, folder, json, context, isGranting: values.grant === true });
    await session.run();
    return 0;
  },
};

interface DevOptions {
  client: Client;
  folder: string;
  json: boolean;
  context: CliContext;
  isGranting: boolean;
}

/** One folder that is watched. A save during a swap is served after it, and only the last of several. */
class DevSession {
  readonly #options: DevOptions;
  #id: string | undefined;
  #isChanged = true;
  #seen: readonly string[] = [];

  constructor(options: DevOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { folder, context, client } = this.#options;
    let wake = (): void => undefined;
    const watcher = watch(folder, { recursive: true }, (_event, file) => {
      if (file !== null && file.split(sep).some((part) => IGNORED.has(part))) return;
      this.#isChanged = true;
      wake();
    });
    watcher.on("error", (error) => context.note(`${folder} can no longer be watched: ${error.message}`));
    context.signal.addEventListener("abort", () => wake());
    try {
      while (!isAborted(context.signal)) {
        if (this.#isChanged) await this.#serve();
        await this.#printLogs();
        const changed = new Promise<void>((resolve) => (wake = resolve));
        if (!this.#isChanged) await Promise.race([changed, wait(LOG_PERIOD_MS, context.signal)]);
      }
    } finally {
      watcher.close();
      if (this.#id !== undefined) await client.endPluginDevelopment({ params: { id: this.#id } });
    }
  }

  async #serve(): Promise<void> {
    const { client, folder, context } = this.#options;
    await wait(SETTLE_MS, context.signal);
    this.#isChanged = false;
    if (isAborted(context.signal)) return;
    const startedMs = performance.now();
    try {
      let plugin = await client.serveDevelopmentPlugin({ body: { path: folder } });
      this.#id = plugin.id;
      if (!plugin.granted) plugin = await this.#ask(plugin);
      if (plugin.granted) plugin = await this.#load(plugin);
      this.#show(plugin, Math.round(performance.now() - startedMs));
    } catch (error) {
      if (!(error instanceof LogoMeshError)) throw error;
      this.#showProblem(error);
    }
  }

  /** A grant that carried over does not hold for tools that describe themselves differently now. */
  async #load(plugin: Plugin): Promise<Plugin> {
    const { client } = this.#options;
    const { id } = plugin;
    try {
      return await client.loadPlugin({ params: { id } });
    } catch (error) {
      if (!(error instanceof LogoMeshError) || error.code !== "LM_PLUGIN_NOT_GRANTED") throw error;
      const asked = await this.#ask(await client.getPlugin({ params: { id } }));
      return this.#options.isGranting ? client.loadPlugin({ params: { id } }) : asked;
    }
  }

  async #ask(plugin: Plugin): Promise<Plugin> {
    const { client, context, isGranting } = this.#options;
    const { id, sha256 } = plugin;
    requestLines(plugin, context.noteStyle).forEach(context.note);
    if (isGranting) return client.grantPlugin({ params: { id }, body: { sha256 } });
    context.note(`Grant it: logomesh plugin grant ${id}, or start this with --grant.`);
    return plugin;
  }

  #show(plugin: Plugin, durationMs: number): void {
    const { context, json } = this.#options;
    if (json) context.printJson({ served: plugin, durationMs });
    else {
      printPlugin(plugin, context);
      context.note(`${plugin.sha256.slice(0, 12)}… after ${durationMs} ms`);
    }
  }

  #showProblem(error: LogoMeshError): void {
    const { context, json } = this.#options;
    if (json) context.printJson({ problem: error.toProblem() });
    else {
      context.print(`${context.style.red("✗")} ${visibleLine(error.message)}`);
      if (this.#id !== undefined) context.note("What was served before serves on, if it could.");
    }
  }

  async #printLogs(): Promise<void> {
    const { client, context, json } = this.#options;
    if (this.#id === undefined) return;
    const { lines } = await client.getPluginLogs({ params: { id: this.#id } });
    for (const line of newLines(this.#seen, lines)) {
      if (json) context.printJson({ line });
      else context.print(`${context.style.dim("│")} ${visibleLine(line)}`);
    }
    this.#seen = lines;
  }
}

/** A function, because the compiler does not know that awaiting changes it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
