import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import { grows } from "./ast.ts";
import { compileAst } from "./compile.ts";
import type { Env, Filter } from "./filter.ts";
import { JqSyntaxError, tokenize, type Token } from "./lexer.ts";
import { NotCompiledError, parseJq } from "./parser.ts";
import { JqError, JqLimitError, UseReferenceError, sizeOf, startWork } from "./values.ts";

/** A jq program, checked once; `fast` exists when this process can evaluate it. */
export interface Expression {
  readonly source: string;
  readonly fast: Filter | undefined;
  /** Whether its result may be larger than what it is given; only then the size of the result is checked. */
  readonly grows: boolean;
  /** Variables it names, without `$`. */
  readonly variables: readonly string[];
}

/** Values that the expression may produce on its way; far above any real use. */
const FUEL = 2_000_000;

/** Longest JSON text that an expression may answer with. */
export const OUTPUT_CHARS_MAX = 8 * 1024 * 1024;

/** What reads the clock, the environment or the machine: its result could not be replayed. */
const FORBIDDEN = new Set([
  ...["env", "now", "input", "inputs", "input_filename", "input_line_number", "debug", "stderr", "halt", "halt_error"],
  ...["localtime", "strflocaltime", "get_search_list", "import", "include", "modulemeta", "__loc__"],
  ...["$ENV", "$__loc__", "$__prog_args"],
]);

/** @throws JqSyntaxError with the offset of the fault */
export function compileExpression(source: string): Expression {
  const tokens = tokenize(source);
  refuseForbidden(tokens);
  const variables = [...new Set(variableNames(tokens))];
  try {
    const ast = parseJq(tokens);
    return { source, fast: compileAst(ast), grows: grows(ast), variables };
  } catch (error) {
    if (error instanceof NotCompiledError) return { source, fast: undefined, grows: true, variables };
    if (error instanceof RangeError) throw new JqSyntaxError("The expression is nested too deeply", 0);
    throw error;
  }
}

/** The tokens of a string's interpolations belong to the program like all others. */
function refuseForbidden(tokens: Token[]): void {
  const open: string[] = [];
  tokens.forEach((token, index) => {
    if (token.kind === "operator" && "([{".includes(token.text)) open.push(token.text);
    else if (token.kind === "operator" && ")]}".includes(token.text)) open.pop();
    if (FORBIDDEN.has(token.text) && !(open.at(-1) === "{" && isMemberName(tokens, index))) {
      throw new JqSyntaxError(
        `“${token.text}” is not allowed: its result depends on when or where it runs and could not be replayed`,
        token.start,
      );
    }
    for (const part of token.parts ?? []) if ("tokens" in part) refuseForbidden(part.tokens);
  });
}

/** `{now: …}` and `{a: 1, now: …}` name a member; nothing that runs can stand there. */
function isMemberName(tokens: Token[], index: number): boolean {
  if (tokens[index]?.kind === "variable") return false;
  const before = tokens[index - 1]?.text;
  return before === "{" || (before === "," && tokens[index + 1]?.text === ":");
}

function variableNames(tokens: Token[]): string[] {
  return tokens.flatMap((token) => [
    ...(token.kind === "variable" ? [token.text.slice(1)] : []),
    ...(token.parts ?? []).flatMap((part) => ("tokens" in part ? variableNames(part.tokens) : [])),
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
    startWork();
    const value = firstOutput(fast, env, input);
    if (expression.grows && sizeOf(value, OUTPUT_CHARS_MAX) > OUTPUT_CHARS_MAX)
      throw new JqLimitError(`The result is larger than ${OUTPUT_CHARS_MAX} characters.`);
    return value;
  } catch (error) {
    if (error instanceof UseReferenceError) return undefined;
    if (error instanceof JqError) throw expressionError(expression.source, error.message);
    if (error instanceof JqLimitError || error instanceof RangeError)
      throw limitError(expression.source, error.message);
    throw error;
  }
}

function firstOutput(fast: Filter, env: Env, input: JsonValue): JsonValue {
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
