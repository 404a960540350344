import { isTerminalRunStatus, type Run } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import type { CliContext } from "../context.ts";
import { render } from "./render.ts";
import { statusText } from "./style.ts";
import { visibleBlock, visibleLine } from "./text.ts";

/** Status, duration, output or error, and whether a model was simulated. */
export async function printRun(run: Run, { context, client }: { context: CliContext; client: Client }): Promise<void> {
  const { style, print, columns } = context;
  const { namespace, name, version } = run.workflow;
  const workflow = style.bold(visibleLine(`${namespace}/${name}`));
  print(
    `${statusText(run.status, style)} ${workflow} ${visibleLine(version)}  ${style.dim(run.id + durationText(run))}`,
  );
  if (run.statusReason !== undefined) print(`  ${visibleBlock(run.statusReason, "  ")}`);
  if (run.recoveries > 0) {
    const times = run.recoveries === 1 ? "once" : `${run.recoveries} times`;
    print(style.dim(`  taken up ${times} after a stop of the workbench`));
  }
  if (run.error !== undefined) {
    const { type, title, detail, instance, code } = run.error;
    print(`  ${style.red(visibleBlock(detail ?? title ?? type, "  "))}`);
    print(`  ${style.dim(visibleLine([instance, code].filter(Boolean).join(" ")))}`);
  }
  if (run.output !== undefined) {
    print("");
    render(run.output, { columns }).forEach(print);
  }
  if (run.tainted === true)
    print(
      style.dim("  It has read private data: its constitution may keep it from models elsewhere and from the network."),
    );
  if (run.simulated === true) {
    const { hint } = await client.getModels();
    print("");
    print(`${style.yellow("! mock")}: no real model answered this run.`);
    print(`  ${visibleBlock(hint ?? "A real model answers the next run.", "  ")}`);
  }
  if (!isTerminalRunStatus(run.status)) print(style.dim(`  Follow it with: logomesh runs watch ${run.id}`));
}

function durationText({ startedAt, endedAt }: Run): string {
  if (startedAt === undefined || endedAt === undefined) return "";
  const ms = Date.parse(endedAt) - Date.parse(startedAt);
  return ms < 1000 ? `  ${ms} ms` : `  ${(ms / 1000).toFixed(1)} s`;
}
