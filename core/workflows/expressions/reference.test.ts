import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { JsonValue } from "@logomesh/contracts";
import { ExpressionEvaluator } from "./evaluator.ts";
import { programs, soups } from "./jqPrograms.suite.ts";
import { compileExpression, evaluateFast, type Expression } from "./expression.ts";

const PROGRAMS = Number(process.env.LOGOMESH_FUZZ_RUNS ?? 2000);
const SEED = Number(process.env.LOGOMESH_FUZZ_SEED ?? 20_260_801);

const evaluator = new ExpressionEvaluator();
afterAll(() => {
  evaluator[Symbol.dispose]();
});

/** Value, or only that it is an error: the wording is each one's own. Minus zero is written as zero, as everywhere. */
function outcomeOf(evaluate: () => JsonValue | undefined): string {
  try {
    const value = evaluate();
    return value === undefined ? "left to the reference" : JSON.stringify(value);
  } catch (error) {
    return `error ${(error as { code?: string }).code ?? String(error)}`;
  }
}

async function referenceOutcome(
  expression: Expression,
  data: JsonValue,
  variables: Record<string, JsonValue>,
): Promise<string> {
  try {
    return JSON.stringify(await evaluator.evaluate({ ...expression, fast: undefined }, data, variables));
  } catch (error) {
    return `error ${(error as { code?: string }).code ?? String(error)}`;
  }
}

function compiledOrFault(source: string): Expression | undefined {
  try {
    return compileExpression(source);
  } catch {
    return undefined;
  }
}

test(`[EX1] the compiled form gives what real jq gives on ${PROGRAMS} generated programs and values (seed ${SEED})`, async () => {
  let decided = 0;
  let values = 0;
  await fc.assert(
    fc.asyncProperty(programs, async ([source, data, v]) => {
      const variables = { v, w: [1, { a: "w" }] };
      const expression = compiledOrFault(source);
      const forReference = expression ?? { source, fast: undefined, grows: true, variables: ["v", "w"] };
      const fast =
        expression === undefined
          ? "error LM_WORKFLOW_EXPRESSION"
          : outcomeOf(() => evaluateFast(expression, data, variables));
      if (fast === "left to the reference") return;
      decided += 1;
      if (!fast.startsWith("error")) values += 1;
      expect(fast).toBe(await referenceOutcome(forReference, data, variables));
    }),
    { numRuns: PROGRAMS, seed: SEED },
  );
  // The property says something only while the compiled form answers most programs, and many with a value.
  expect({ decided: decided > PROGRAMS * 0.5, values: values > PROGRAMS * 0.25 }).toEqual({
    decided: true,
    values: true,
  });
}, 240_000);

test(`[EX2] [EX3] of ${PROGRAMS} rows of tokens, none is refused that real jq accepts, none compiled that it refuses`, async () => {
  let compiled = 0;
  await fc.assert(
    fc.asyncProperty(soups, async (source) => {
      const expression = compiledOrFault(source);
      if (expression !== undefined && expression.fast === undefined) return;
      if (expression !== undefined) compiled += 1;
      expect({ source, accepted: expression !== undefined }).toEqual({
        source,
        accepted: (await evaluator.check(source)) === undefined,
      });
    }),
    { numRuns: PROGRAMS, seed: SEED },
  );
  expect(compiled).toBeGreaterThan(PROGRAMS / 50);
}, 240_000);
