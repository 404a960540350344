import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { OUTPUT_CHARS_MAX, evaluateFast, expressionError, limitError, type Expression } from "./expression.ts";
import { JqReference, packInput } from "./jqReference.ts";
import type { Template } from "./template.ts";
import { setMember } from "./values.ts";

/** Names visible to an expression, without `$`: context, input, output, task, workflow, runtime, loop and error variables. */
export type Variables = Readonly<Record<string, JsonValue>>;

/**
 * Evaluates expressions and templates against data. Data is never evaluated: text in inputs that looks like an expression stays text.
 * Answers at once where the compiled form suffices, else a promise of the reference's answer.
 */
export class ExpressionEvaluator implements Disposable {
  readonly #reference: JqReference;

  constructor(reference = new JqReference()) {
    this.#reference = reference;
  }

  [Symbol.dispose](): void {
    this.#reference[Symbol.dispose]();
  }

  /** @throws LogoMeshError LM_WORKFLOW_EXPRESSION, LM_WORKFLOW_EXPRESSION_LIMIT */
  evaluate(expression: Expression, input: JsonValue, variables: Variables): JsonValue | Promise<JsonValue> {
    const value = evaluateFast(expression, input, variables);
    return value === undefined ? this.#evaluateReference(expression, input, variables) : value;
  }

  /** @throws LogoMeshError as `evaluate` */
  evaluateTemplate(template: Template, input: JsonValue, variables: Variables): JsonValue | Promise<JsonValue> {
    switch (template.kind) {
      case "literal":
        return template.value;
      case "expression":
        return this.evaluate(template.expression, input, variables);
      case "array":
        return settleAll(
          template.items.map((item) => this.evaluateTemplate(item, input, variables)),
          (items) => items,
        );
      case "object":
        return settleAll(
          template.members.map(({ value }) => this.evaluateTemplate(value, input, variables)),
          (values) => {
            const object: JsonObject = {};
            template.members.forEach(({ key }, index) => setMember(object, key, values[index] as JsonValue));
            return object;
          },
        );
    }
  }

  /** Whether real jq accepts the program. @returns its message when it does not */
  async check(source: string): Promise<string | undefined> {
    const declared = [...source.matchAll(/\$([A-Za-z_]\w*)/g)].map((match) => `null as $${match[1] ?? ""} | `);
    const job = {
      program: `${declared.join("")}(${source}\n)`,
      check: true,
      input: "null",
      outputCharsMax: OUTPUT_CHARS_MAX,
    };
    const outcome = await this.#reference.run(job);
    return outcome.kind === "value" ? undefined : outcome.message;
  }

  async #evaluateReference(expression: Expression, input: JsonValue, variables: Variables): Promise<JsonValue> {
    const used: Record<string, JsonValue> = {};
    let program = "";
    for (const name of expression.variables) {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value === undefined) continue;
      used[name] = value;
      program += `.v.${name} as $${name} | `;
    }
    const outcome = await this.#reference.run({
      program: `${program}.i | first(${expression.source}\n)`,
      check: false,
      input: packInput(input, used),
      outputCharsMax: OUTPUT_CHARS_MAX,
    });
    if (outcome.kind === "value") return outcome.value;
    throw (outcome.kind === "limit" ? limitError : expressionError)(expression.source, outcome.message);
  }
}

/** Stays synchronous unless one of the values is a promise. */
function settleAll(
  values: (JsonValue | Promise<JsonValue>)[],
  build: (values: JsonValue[]) => JsonValue,
): JsonValue | Promise<JsonValue> {
  if (values.some((value) => value instanceof Promise))
    return Promise.all(values.map((value) => Promise.resolve(value))).then(build);
  return build(values as JsonValue[]);
}
