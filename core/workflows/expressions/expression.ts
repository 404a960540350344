import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import { compileAst } from "./compile.ts";
import type { Filter } from "./filter.ts";
import { JqSyntaxError, tokenize } from "./lexer.ts";
import { NotCompiledError, parseJq } from "./parser.ts";
import { JqError, JqLimitError, UseReferenceError } from "./values.ts";

/** A jq program, checked once; `fast` exists when this process can evaluate it. */
export interface Expression {
  readonly source: string;
  readonly fast: Filter | undefined;
  /** Variables it names, without `$`. */
  readonly variables: readonly string[];
}

/** Values that the expression may produce on its way; far above any real use. */
const FUEL = 2_000_000;

/** Functions that read the clock, the environment or the machine: their results could not be replayed. */
const FORBIDDEN = new Set([
  ...["env", "now", "input", "inputs", "input_filename", "input_line_number", "debug", "stderr", "halt", "halt_error"],
  ...[
    "localtime",
    "strflocaltime",
    "get_search_list",
    "import",
    "include",
    "modulemeta",
    "__loc__",
    "$ENV",
    "$__loc__",
    "$__prog_args",
  ],
]);

/** @throws JqSyntaxError with the offset of the fault */
export function compileExpression(source: string): Expression {
  const tokens = tokenize(source);
  let open = 0;
  for (const token of tokens) {
    if (token.text === "(") open += 1;
    if (token.text === ")") open -= 1;
    if (open < 0) throw new JqSyntaxError("Unexpected “)”", token.start);
    if (FORBIDDEN.has(token.text)) {
      throw new JqSyntaxError(
        `“${token.text}” is not allowed: its result depends on when or where it runs and could not be replayed`,
        token.start,
      );
    }
    for (const part of token.parts ?? []) if ("source" in part) compileExpression(part.source);
  }
  const variables = [...new Set(variableNames(source))];
  try {
    return { source, fast: compileAst(parseJq(source)), variables };
  } catch (error) {
    if (error instanceof NotCompiledError) return { source, fast: undefined, variables };
    throw error;
  }
}

function variableNames(source: string): string[] {
  return tokenize(source).flatMap((token) => [
    ...(token.kind === "variable" ? [token.text.slice(1)] : []),
    ...(token.parts ?? []).flatMap((part) => ("source" in part ? variableNames(part.source) : [])),
  ]);
}

/**
 * The first output; no output is null.
 * @returns undefined when only the reference can tell
 * @throws LogoMeshError LM_WORKFLOW_EXPRESSION, LM_WORKFLOW_EXPRESSION_LIMIT
 */
export function evaluateFast(
  expression: Expression,
  input: JsonValue,
  variables: Readonly<Record<string, JsonValue>>,
): JsonValue | undefined {
  const { fast } = expression;
  if (fast === undefined) return undefined;
  const env = { variables, bound: undefined, fuel: { left: FUEL } };
  try {
    if (fast.one !== undefined) return fast.one(env, input);
    let first: JsonValue = null;
    const stop = new Error("stop");
    try {
      fast.each(env, input, (value) => {
        first = value;
        throw stop;
      });
    } catch (error) {
      if (error !== stop) throw error;
    }
    return first;
  } catch (error) {
    if (error instanceof UseReferenceError) return undefined;
    if (error instanceof JqError) throw expressionError(expression.source, error.message);
    if (error instanceof JqLimitError || error instanceof RangeError)
      throw limitError(expression.source, error.message);
    throw error;
  }
}

export function expressionError(source: string, message: string): LogoMeshError {
  return new LogoMeshError("LM_WORKFLOW_EXPRESSION", `${message} in the expression ${shorten(source)}`);
}

export function limitError(source: string, message: string): LogoMeshError {
  return new LogoMeshError("LM_WORKFLOW_EXPRESSION_LIMIT", `${message} Expression: ${shorten(source)}`);
}

function shorten(source: string): string {
  return source.length > 200 ? `${source.slice(0, 197)}…` : source;
}
