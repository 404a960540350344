import type { ComparedTask, ComparedValue, CompareRunsResult } from "@logomesh/contracts";
import { statusText, table, type Style } from "./style.ts";
import { visibleLine } from "./text.ts";

/** Of a value on its line. */
const VALUE_CHARS_MAX = 160;

/** Two runs side by side, as lines: what both are, then each task that differs with both its values. */
export function comparisonLines(result: CompareRunsResult, { style, all }: { style: Style; all: boolean }): string[] {
  const { a, b, tasks, different } = result;
  const head = (run: CompareRunsResult["a"], letter: string): string[] => [
    style.bold(letter),
    run.id,
    statusText(run.status, style),
    visibleLine(`${run.workflow.name} ${run.workflow.version}`),
    run.durationMs === undefined ? "" : style.dim(`${run.durationMs} ms`),
  ];
  const lines = table([head(a, "A"), head(b, "B")]);
  for (const field of ["input", "output"] as const)
    if (JSON.stringify(a[field]) !== JSON.stringify(b[field])) lines.push(...pair(field, [a[field], b[field]], style));
  lines.push("");
  for (const task of tasks)
    if (all || task.differences.length > 0) lines.push(...taskLines(task, { style, ids: [a.id, b.id] }));
  const same = tasks.length - different;
  lines.push(result.identical ? style.green("✓ the same") : style.dim(`${different} tasks differ, ${same} do not`));
  return lines;
}

function taskLines(task: ComparedTask, { style, ids }: { style: Style; ids: [string, string] }): string[] {
  const { a, b, differences } = task;
  const title = `${visibleLine(task.name)}  ${style.dim(visibleLine(`${task.type} ${task.place}`))}`;
  if (differences.length === 0) return [`= ${title}`];
  if (a === undefined || b === undefined)
    return [`${style.yellow("≠")} ${title}  only in ${a === undefined ? ids[1] : ids[0]}`];
  const lines = [`${style.yellow("≠")} ${title}`];
  if (a.status !== b.status) lines.push(`  status  ${statusText(a.status, style)} → ${statusText(b.status, style)}`);
  for (const field of ["input", "output", "error"] as const)
    if (differences.includes(field)) lines.push(...pair(field, [a[field], b[field]], style));
  return lines;
}

function pair(field: string, values: [ComparedValue | undefined, ComparedValue | undefined], style: Style): string[] {
  const name = field.padEnd(6);
  return [`  ${name}  A ${valueText(values[0], style)}`, `  ${" ".repeat(6)}  B ${valueText(values[1], style)}`];
}

function valueText(value: ComparedValue | undefined, style: Style): string {
  if (value === undefined) return style.dim("nothing");
  if ("bytes" in value) return style.dim(`${value.bytes} bytes, SHA-256 ${value.sha256.slice(0, 16)}…`);
  const text = visibleLine(JSON.stringify(value.value));
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}
