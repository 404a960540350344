import type { JsonObject, JsonValue, Plugin } from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { render } from "./render.ts";
import { table, type Style } from "./style.ts";
import { countText, visibleBlock, visibleLine } from "./text.ts";

const MIB = 1024 * 1024;

/** State, tools and usage of a plugin. */
export function printPlugin(plugin: Plugin, { print, style }: CliContext): void {
  const { id, version, state, runtime, granted, group, stateReason, tools, usage } = plugin;
  const grant = granted ? style.dim(`granted (${group})`) : style.yellow(`not granted: logomesh plugin grant ${id}`);
  print(`${style.bold(visibleLine(id))} ${version}  ${stateText(state, style)}  ${style.dim(`${runtime},`)} ${grant}`);
  if (plugin.outside !== undefined) print(`  ${style.red(outsideLine(plugin.outside))}`);
  if (plugin.problem !== undefined && plugin.state !== "invalid")
    print(`  ${style.red("✗")} ${visibleBlock(plugin.problem.detail ?? plugin.problem.title, "  ")}`);
  if (plugin.waiting !== undefined)
    print(
      `  ${style.yellow(`version ${visibleLine(plugin.waiting.version)} waits: logomesh plugin grant ${visibleLine(id)}`)}`,
    );
  if (plugin.toolChanges !== undefined) {
    const { fromVersion, added, changed, removed } = plugin.toolChanges;
    const names = [...added, ...changed].map(({ name }) => name).concat(removed);
    const what = `its tools say something else than in ${fromVersion}: ${names.join(", ")}`;
    print(`  ${style.yellow(`${visibleLine(what)}; logomesh plugin grant ${visibleLine(id)} shows both`)}`);
  }
  if (stateReason !== undefined) print(`  ${visibleBlock(stateReason, "  ")}`);
  if (plugin.privateData !== undefined) print(`  ${privateLine(plugin.privateData)}`);
  const rows = tools.map(({ name, effect, description }) => [
    `  ${visibleLine(name)}`,
    effect,
    visibleLine(description ?? ""),
  ]);
  table(rows).forEach(print);
  if (usage.calls === 0) return;
  const facts = [
    countText(usage.calls, "call"),
    countText(usage.errors, "error"),
    `${(usage.memoryBytes / MIB).toFixed(0)} MiB`,
    countText(usage.processes, "process", "processes"),
    ...(usage.violations > 0 ? [countText(usage.violations, "violation")] : []),
  ];
  print(style.dim(`  ${facts.join(", ")}`));
}

/** Short of what it means: the guide says that. */
function privateLine({ since, folder, values, blobs }: NonNullable<Plugin["privateData"]>): string {
  const kept = [
    ...(folder ? ["/data"] : []),
    ...(values > 0 ? [countText(values, "value")] : []),
    ...(blobs > 0 ? [countText(blobs, "blob")] : []),
  ];
  return `keeps private data since ${since.slice(0, 10)}${kept.length === 0 ? "" : `: ${kept.join(", ")}`}`;
}

function stateText(state: Plugin["state"], style: Style): string {
  if (state === "ready" || state === "busy") return style.green(state);
  return ["discovered", "resolved", "stopped"].includes(state) ? style.dim(state) : style.yellow(state);
}

const TUNNEL_NOTE =
  "A host via the proxy gets connections of the plugin's own: the workbench checks and records host and port, but does not see what is sent.";

const EFFECTS: Record<Plugin["tools"][number]["effect"], string> = {
  pure: "pure: it changes nothing, so it may be called again",
  idempotent: "idempotent: called again with the same key, it takes effect once",
  once: "once: it is never called again by itself",
};

/** With the content that a person may grant now: what waits, if anything does. */
export function toBeGranted(plugin: Plugin): Plugin {
  const { outside: _, ...rest } = plugin;
  return plugin.waiting === undefined ? plugin : { ...rest, ...plugin.waiting };
}

/** What it means that a plugin does not run in the sandbox; printed in red. */
function outsideLine({ reason, granted, refusal }: NonNullable<Plugin["outside"]>): string {
  const why = reason === "no-sandbox" ? "there is no sandbox here" : `its security level is “${reason}”`;
  const where = granted ? "OUTSIDE OF THE SANDBOX" : "not granted to leave the sandbox";
  return `${where}: ${why}${refusal === undefined ? "" : `. ${visibleLine(refusal)}`}`;
}

function outsideLines({ outside }: Plugin, style: Style): string[] {
  if (outside === undefined) return [];
  const lines = [
    "IT RUNS OUTSIDE OF THE SANDBOX, if you let it: it can read, change, delete and send everything that you can,",
    "and run any program as you. What it asks for below does not bind it. Say so with --outside-sandbox.",
    ...(outside.refusal === undefined ? [] : [visibleLine(outside.refusal)]),
  ];
  return lines.map(style.red);
}

/** What a person reads before a grant: the whole command, every permission with its reason, limits, and what an upgrade changes. */
export function requestLines(plugin: Plugin, style: Style): string[] {
  const { id, version, command, permissions, limits, tools, changes, toolChanges, sandboxed } = plugin;
  const effects = tools.map(({ name, effect }) => [`  ${visibleLine(name)}`, EFFECTS[effect]]);
  const asked = Object.keys(permissions).length > 0;
  return [
    `${visibleLine(id)} ${version} runs ${sandboxed ? "in the sandbox" : "as you"}: ${command.map(visibleArgument).join(" ")}`,
    ...outsideLines(plugin, style),
    asked ? "It asks for:" : "It asks for nothing but its own computing.",
    ...(asked ? indented(permissions as JsonValue) : []),
    ...(permissions["net.fetch"]?.some(({ via }) => via === "proxy") === true ? [TUNNEL_NOTE] : []),
    `It may use ${limits.memory_mb} MiB of memory, ${limits.cpu_percent} % of a core, ${limits.max_processes} processes and ${limits.tmp_mb} MiB in /tmp.`,
    ...(effects.length === 0 ? [] : ["Its tools, and how often a call may take effect:", ...table(effects)]),
    ...(changes === undefined ? [] : changeLines(changes)),
    ...(toolChanges === undefined ? [] : toolChangeLines(toolChanges)),
  ];
}

/** What the tools said when it last started, against what was approved before. */
function toolChangeLines({ fromVersion, added, removed, changed }: NonNullable<Plugin["toolChanges"]>): string[] {
  const facts: Record<string, JsonValue> = {
    "tools that came": Object.fromEntries(added.map(({ name, description }) => [name, description ?? ""])),
    "tools that went": removed,
    "tools that say something else": Object.fromEntries(
      changed.map(({ name, before, after }) => [name, { before: saidOf(before, after), now: saidOf(after, before) }]),
    ),
  };
  const found = Object.entries(facts).filter(([, value]) => Object.keys(value as object).length > 0);
  return [
    `What its tools said against those approved in ${visibleLine(fromVersion)}:`,
    ...indented(Object.fromEntries(found)),
  ];
}

type Tool = Plugin["tools"][number];

/** What of one description is not in the other. */
function saidOf(tool: Tool, other: Tool): JsonObject {
  const fields = (["description", "effect", "inputSchema", "outputSchema"] as const).flatMap((field) => {
    const value = tool[field];
    return JSON.stringify(value) === JSON.stringify(other[field]) ? [] : [[field, value ?? null] as const];
  });
  return Object.fromEntries(fields);
}

function changeLines({
  fromVersion,
  fromSha256,
  permissions,
  tools,
  fields,
}: NonNullable<Plugin["changes"]>): string[] {
  const facts: Record<string, JsonValue> = {
    "permissions added": permissions.added,
    "permissions gone": Object.keys(permissions.removed),
    "permissions changed": permissions.changed,
    "tools added": tools.added,
    "tools gone": tools.removed,
    "tools changed": tools.changed,
    "also changed": fields,
  };
  const found = Object.entries(facts).filter(([, value]) => Object.keys(value as object).length > 0);
  const since = `Since the granted version ${visibleLine(fromVersion)} (${fromSha256.slice(0, 12)}…)`;
  if (found.length === 0) return [`${since}: other files; permissions, tools and command are the same.`];
  return [`${since}:`, ...indented(Object.fromEntries(found))];
}

function indented(value: JsonValue): string[] {
  return render(value).map((line) => `  ${line}`);
}

/** As a shell would need it, so that no space or empty argument hides. */
function visibleArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${visibleLine(argument).replaceAll("'", `'\\''`)}'`;
}
