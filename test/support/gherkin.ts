import { parse } from "yaml";

/** A line of a scenario, with the YAML text below it. */
export interface Step {
  text: string;
  body: string | undefined;
}

export interface Scenario {
  feature: string;
  name: string;
  steps: Step[];
}

/** The scenarios of a feature file, as far as the conformance kit writes them: steps in any order, texts in `"""yaml`. */
export function parseFeature(source: string): Scenario[] {
  const scenarios: Scenario[] = [];
  const lines = source.split("\n");
  const feature = /^\s*Feature:\s*(.*)$/m.exec(source)?.[1]?.trim() ?? "";
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const name = /^\s*Scenario:\s*(.*)$/.exec(line)?.[1]?.trim();
    if (name !== undefined) scenarios.push({ feature, name, steps: [] });
    const text = /^\s*(?:Given|When|Then|And)\s+(.*)$/.exec(line)?.[1]?.trim();
    if (text !== undefined) scenarios.at(-1)?.steps.push({ text, body: undefined });
    const indent = /^(\s*)"""yaml\s*$/.exec(line)?.[1];
    if (indent === undefined) continue;
    const end = lines.findIndex((candidate, index) => index > at && candidate.trim() === '"""');
    const step = scenarios.at(-1)?.steps.at(-1);
    const body = lines.slice(at + 1, end).map((each) => (each.startsWith(indent) ? each.slice(indent.length) : each));
    if (step !== undefined) step.body = body.join("\n");
    at = end;
  }
  return scenarios;
}

export function yamlOf({ body }: Step): unknown {
  return parse(body ?? "");
}
