import type { JsonValue, Run } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import type { CliContext } from "../context.ts";
import { statusText, visible } from "./style.ts";

/** Status, duration, output or error, and whether a model was simulated. */
export async function printRun(run: Run, { context, client }: { context: CliContext; client: Client }): Promise<void> {
  const { style, print } = context;
  const { namespace, name, version } = run.workflow;
  print(
    `${statusText(run.status, style)} ${style.bold(`${namespace}/${name}`)} ${version}  ${style.dim(`${run.id}${durationOf(run)}`)}`,
  );
  if (run.statusReason !== undefined) print(`  ${visible(run.statusReason)}`);
  if (run.error !== undefined) {
    const { title, detail, instance, code } = run.error;
    print(`  ${style.red(visible(detail ?? title ?? run.error.type))}`);
    print(`  ${style.dim(`${instance ?? ""} ${code ?? ""}`.trim())}`);
  }
  if (run.output !== undefined) {
    print("");
    for (const line of render(run.output)) print(line);
  }
  if (run.simulated === true) {
    const { hint } = await client.getModels();
    print("");
    print(`${style.yellow("! mock")}: no real model answered. ${hint ?? "A real one answers from now on."}`);
  }
}

function durationOf({ startedAt, endedAt }: Run): string {
  if (startedAt === undefined || endedAt === undefined) return "";
  const ms = Date.parse(endedAt) - Date.parse(startedAt);
  return ms < 1000 ? `  ${ms} ms` : `  ${(ms / 1000).toFixed(1)} s`;
}

/** A value as indented text: members by name, items with a dash. */
export function render(value: JsonValue, indent = ""): string[] {
  if (Array.isArray(value))
    return value.length === 0 ? [`${indent}(empty)`] : value.flatMap((item) => renderItem(item, indent));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, member]) => renderMember(visible(key), member, indent));
  return visible(typeof value === "string" ? value : JSON.stringify(value))
    .split("\n")
    .map((line) => indent + line);
}

function renderMember(key: string, value: JsonValue, indent: string): string[] {
  const isShort = typeof value !== "object" || value === null;
  const lines = render(value, isShort ? "" : `${indent}  `);
  if (isShort && lines.length === 1 && key.length + (lines[0]?.length ?? 0) < 100)
    return [`${indent}${key}: ${lines[0] ?? ""}`];
  return [`${indent}${key}:`, ...(isShort ? lines.map((line) => `${indent}  ${line}`) : lines)];
}

function renderItem(value: JsonValue, indent: string): string[] {
  const [first = "", ...rest] = render(value, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}
