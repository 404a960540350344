import type { JsonValue } from "@logomesh/contracts";
import type { Template, Variables } from "../expressions/index.ts";

const NONE: Variables = {};
const needs = new WeakMap<Template, boolean>();

/** Whether a template names any variable; most do not, and need no scope built. */
function namesVariables(template: Template): boolean {
  const known = needs.get(template);
  if (known !== undefined) return known;
  const result = computeNeeds(template);
  needs.set(template, result);
  return result;
}

function computeNeeds(template: Template): boolean {
  switch (template.kind) {
    case "literal":
      return false;
    case "expression":
      return template.expression.variables.length > 0;
    case "array":
      return template.items.some(namesVariables);
    case "object":
      return template.members.some(({ value }) => namesVariables(value));
  }
}

/** The variables for a template, built only when it names some. */
export function scopeFor(template: Template, build: () => Record<string, JsonValue>): Variables {
  return namesVariables(template) ? build() : NONE;
}
