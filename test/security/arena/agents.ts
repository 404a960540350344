import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject, PluginRuntime } from "@logomesh/contracts";
import { HOST_CLIENT } from "../../../core/plugins/hostPlane/testing/askingPlugin.ts";
import { fixtureServer, writePlugin } from "../../../core/plugins/testing.ts";

// Plugins in the hands of an attacker, one for each runtime: their tool `attack` runs the code that it is sent, with everything that a plugin
// has. `print` makes the output, `raw` and `send` write to the workbench, `request` asks it on descriptor 3.

export const RUNTIMES: readonly PluginRuntime[] = ["nodejs", "python", "shell"];
/** The same attempt in each language in which it makes sense. */
export type Code = Partial<Record<PluginRuntime, string>>;

const PLUGINS = join(import.meta.dirname, "../plugins");
const ENTRY: Record<PluginRuntime, string> = { nodejs: "agent.mjs", python: "agent.py", shell: "agent.sh" };
const START: Record<PluginRuntime, string> = { nodejs: "start.mjs", python: "start.py", shell: "start.sh" };

const NODE_AGENT = (start: string): string =>
  fixtureServer({
    tools: `[{ name: "attack", inputSchema: { type: "object" } }]`,
    preamble: `
import { createRequire } from "node:module";
${HOST_CLIENT}
const require = createRequire(import.meta.url);
const Attack = (async () => {}).constructor;
${start}`,
    body: `
  if (method !== "tools/call") { send({ id, error: { code: -32601, message: "method not found" } }); return; }
  const printed = [];
  const print = (...parts) => printed.push(parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" "));
  const known = { print, raw, send, request, require, message, log };
  try { await new Attack(...Object.keys(known), Buffer.from(args.code, "base64").toString())(...Object.values(known)); }
  catch (error) { print(String(error)); }
  return { content: [], structuredContent: { output: Buffer.from(printed.join("\\n")).toString("base64") } };`,
  });

export interface AgentOptions {
  id: string;
  runtime: PluginRuntime;
  /** Code that runs before the plugin speaks; it may change what is there, or never return. */
  start?: string;
  manifest?: JsonObject;
}

/** Small, so that a bound is met soon. */
const LIMITS = { memory_mb: 128, tmp_mb: 16, max_processes: 16, max_open_files: 64 };

/** Writes an agent's bundle and returns its folder. */
export function writeAgent(folder: string, { id, runtime, start = "", manifest = {} }: AgentOptions): string {
  const isNode = runtime === "nodejs";
  const source = isNode ? NODE_AGENT(start) : readFileSync(join(PLUGINS, ENTRY[runtime]), "utf8");
  const files = { [ENTRY[runtime]]: source, ...(isNode || start === "" ? {} : { [START[runtime]]: start }) };
  const { resource_limits = {}, ...rest } = manifest;
  const limits = { ...LIMITS, ...(resource_limits as JsonObject) };
  return writePlugin(folder, { manifest: { id, runtime, resource_limits: limits, ...rest }, files });
}
