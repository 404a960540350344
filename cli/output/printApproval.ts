import {
  FileChangeSchema,
  reviewPatch,
  type ApprovalDetail,
  type FileChangePayload,
  type PatchLine,
  type PatchPart,
} from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { render } from "./render.ts";
import { statusText, type Style } from "./style.ts";
import { countText, visibleLine } from "./text.ts";
import { timeText } from "./timeText.ts";

interface PrintOptions {
  context: CliContext;
  print: (line: string) => void;
  style: Style;
}

/** What is asked, by whom, and what is decided about, whole. */
export function printApproval(approval: ApprovalDetail, options: PrintOptions): void {
  const { print, style } = options;
  const { id, kind, title, status, requestedBy, trace, createdAt, contentHash, decidedBy, comment } = approval;
  print(`${style.bold(visibleLine(title))}  ${statusText(status, style)}`);
  print(
    style.dim(`  ${id}  ${kind}  by ${visibleLine(`${requestedBy.type}:${requestedBy.id}`)}  ${timeText(createdAt)}`),
  );
  if (trace.run !== undefined) print(style.dim(`  run ${visibleLine(trace.run)} ${visibleLine(trace.task ?? "")}`));
  if (decidedBy !== undefined) {
    const why = comment === undefined ? "" : `: ${visibleLine(comment)}`;
    print(style.dim(`  decided by ${visibleLine(`${decidedBy.type}:${decidedBy.id}`)}${why}`));
  }
  print(style.dim(`  content ${contentHash}`));
  print("");
  const change = kind === "file-change" ? FileChangeSchema.safeParse(approval.payload).data : undefined;
  if (change !== undefined) printChange(change, options);
  else for (const line of render(approval.payload, { columns: options.context.columns })) print(line);
  if (status === "failed" && approval.outcome !== undefined) {
    for (const line of render(approval.outcome, { columns: options.context.columns })) print(line);
  }
}

function printChange({ patch, reason }: FileChangePayload, { print, style }: PrintOptions): void {
  const review = reviewPatch(patch);
  if (reason !== undefined) print(`Why: ${visibleLine(reason)}`);
  for (const line of review.lines) print(diffLine(line, style));
  print("");
  const counts = `${countText(review.added, "line")} added, ${countText(review.removed, "line")} removed`;
  const hidden =
    review.hidden === 0
      ? "no hidden characters"
      : style.red(`${countText(review.hidden, "hidden character")}, shown as ⟨U+…⟩`);
  print(`${counts}, ${hidden}`);
}

const SIGNS: Record<PatchLine["kind"], string> = {
  ...{ head: "", hunk: "", context: " ", added: "+", removed: "-", note: "\\ " },
};

function diffLine({ kind, parts }: PatchLine, style: Style): string {
  const colours: Record<PatchLine["kind"], (text: string) => string> = {
    ...{ head: style.bold, hunk: style.cyan, context: (text) => text },
    ...{ added: style.green, removed: style.red, note: style.dim },
  };
  const paint = colours[kind];
  const sign = SIGNS[kind];
  const text = parts.map((part) => ("text" in part ? paint(part.text) : hiddenMark(part, style))).join("");
  return sign === "" ? text : paint(sign) + text;
}

function hiddenMark({ hidden }: Extract<PatchPart, { hidden: string }>, style: Style): string {
  return style.yellow(`⟨${hidden}⟩`);
}
