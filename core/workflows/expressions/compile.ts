import type { JsonObject, JsonValue } from "@logomesh/contracts";
import type { Ast, BinaryOperator } from "./ast.ts";
import { BUILTINS } from "./builtins.ts";
import { bind, burn, collect, eachItem, pipe, single, type Emit, type Env, type Filter } from "./filter.ts";
import { NotCompiledError } from "./parser.ts";
import {
  JqError,
  UseReferenceError,
  addValues,
  appendMember,
  compareValues,
  divideValues,
  describe,
  finite,
  indexValue,
  isObject,
  isTruthy,
  joinTexts,
  multiplyValues,
  remainderOf,
  sliceValue,
  subtractValues,
  toText,
} from "./values.ts";

export function compileAst(ast: Ast): Filter {
  switch (ast.kind) {
    case "identity":
      return single((_env, input) => input);
    case "literal": {
      const { value } = ast;
      return single(() => value);
    }
    case "variable":
      return compileVariable(ast.name);
    case "recurse":
      return { each: recurse };
    case "string":
      return compileString(ast.parts);
    case "array":
      return compileArray(ast.body);
    case "object":
      return compileObject(ast.members);
    case "index":
      return compileIndex(ast);
    case "slice":
      return compileSlice(ast);
    case "iterate":
      return compileIterate(compileAst(ast.target), ast.lenient === true);
    case "optional":
      return compileTry(compileAst(ast.body), undefined);
    case "try":
      return compileTry(compileAst(ast.body), ast.handler === undefined ? undefined : compileAst(ast.handler));
    case "negate":
      return pipe(
        compileAst(ast.body),
        single((_env, input) => negate(input)),
      );
    case "pipe":
      return pipe(compileAst(ast.left), compileAst(ast.right));
    case "comma":
      return compileComma(compileAst(ast.left), compileAst(ast.right));
    case "alternative":
      return compileAlternative(compileAst(ast.left), compileAst(ast.right));
    case "and":
    case "or":
      return compileLogic(ast.kind, compileAst(ast.left), compileAst(ast.right));
    case "binary":
      return combine(compileAst(ast.left), compileAst(ast.right), OPERATORS[ast.operator]);
    case "if":
      return compileIf(
        compileAst(ast.condition),
        compileAst(ast.then),
        ast.else === undefined ? undefined : compileAst(ast.else),
      );
    case "bind":
      return compileBind(compileAst(ast.source), ast.name, compileAst(ast.body));
    case "reduce":
      return compileReduce(ast);
    case "call":
      return compileCall(ast);
  }
}

const OPERATORS: Record<BinaryOperator, (a: JsonValue, b: JsonValue) => JsonValue> = {
  "+": addValues,
  "-": subtractValues,
  "*": multiplyValues,
  "/": divideValues,
  "%": remainderOf,
  "==": (a, b) => compareValues(a, b) === 0,
  "!=": (a, b) => compareValues(a, b) !== 0,
  "<": (a, b) => compareValues(a, b) < 0,
  "<=": (a, b) => compareValues(a, b) <= 0,
  ">": (a, b) => compareValues(a, b) > 0,
  ">=": (a, b) => compareValues(a, b) >= 0,
};

function negate(value: JsonValue): JsonValue {
  if (typeof value !== "number") throw new JqError(`${describe(value)} cannot be negated`);
  return finite(-value);
}

function compileVariable(name: string): Filter {
  return single((env) => {
    for (let bound = env.bound; bound !== undefined; bound = bound.outer) {
      if (bound.name === name) return bound.value;
    }
    const value = Object.hasOwn(env.variables, name) ? env.variables[name] : undefined;
    if (value === undefined) throw new UseReferenceError(`undefined variable $${name}`);
    return value;
  });
}

/** Applies a function to two filters over the same input. jq's outer loop is the right one. */
function combine(left: Filter, right: Filter, apply: (a: JsonValue, b: JsonValue) => JsonValue): Filter {
  const { one: oneLeft } = left;
  const { one: oneRight } = right;
  if (oneLeft !== undefined && oneRight !== undefined) {
    return single((env, input) => {
      const b = oneRight(env, input);
      return apply(oneLeft(env, input), b);
    });
  }
  return {
    each: (env, input, emit) => right.each(env, input, (b) => left.each(env, input, (a) => emit(apply(a, b)))),
  };
}

function compileIndex(ast: Extract<Ast, { kind: "index" }>): Filter {
  const target = compileAst(ast.target);
  const key = compileAst(ast.key);
  if (ast.lenient !== true) return combine(target, key, indexValue);
  return {
    each: (env, input, emit) =>
      key.each(env, input, (name) => target.each(env, input, (value) => forgive(() => indexValue(value, name), emit))),
  };
}

/** Emits what one step answers, and nothing when it raises. */
function forgive(step: () => JsonValue, emit: Emit): void {
  let value: JsonValue;
  try {
    value = step();
  } catch (error) {
    if (error instanceof JqError) return;
    throw error;
  }
  emit(value);
}

function compileComma(left: Filter, right: Filter): Filter {
  return {
    each: (env, input, emit) => {
      left.each(env, input, emit);
      right.each(env, input, emit);
    },
  };
}

function recurse(env: Env, input: JsonValue, emit: Emit): void {
  burn(env);
  emit(input);
  if (Array.isArray(input)) for (const item of input) recurse(env, item, emit);
  else if (isObject(input)) for (const key of Object.keys(input)) recurse(env, input[key] as JsonValue, emit);
}

function compileIterate(target: Filter, lenient: boolean): Filter {
  return {
    each: (env, input, emit) =>
      target.each(env, input, (value) => {
        if (!lenient || Array.isArray(value) || isObject(value)) eachItem(env, value, emit);
      }),
  };
}

function compileString(parts: (string | Ast)[]): Filter {
  const pieces = parts.map((part) =>
    typeof part === "string" ? part : requireOne(compileAst(part), "string interpolation"),
  );
  return single((env, input) =>
    joinTexts(
      pieces.map((piece) => (typeof piece === "string" ? piece : toText(piece(env, input)))),
      "",
    ),
  );
}

/** Several outputs in several places multiply in an order of jq's own; such rare programs go to the reference. */
function requireOne(filter: Filter, where: string): (env: Env, input: JsonValue) => JsonValue {
  if (filter.one === undefined) throw new NotCompiledError(`several outputs in ${where}`);
  return filter.one;
}

function compileArray(body: Ast | undefined): Filter {
  if (body === undefined) return single(() => []);
  const filter = compileAst(body);
  return single((env, input) => collect(filter, env, input));
}

function compileObject(members: { key: Ast; value: Ast }[]): Filter {
  const compiled = members.map(({ key, value }) => ({
    key: requireOne(compileAst(key), "an object key"),
    value: requireOne(compileAst(value), "an object value"),
  }));
  return single((env, input) => {
    const object: JsonObject = {};
    for (const member of compiled) {
      const key = member.key(env, input);
      if (typeof key !== "string") throw new JqError(`Object keys must be strings, not ${describe(key)}`);
      appendMember(object, key, member.value(env, input));
    }
    return object;
  });
}

function compileSlice(ast: Extract<Ast, { kind: "slice" }>): Filter {
  const target = compileAst(ast.target);
  const from = ast.from === undefined ? () => null : requireOne(compileAst(ast.from), "a slice");
  const to = ast.to === undefined ? () => null : requireOne(compileAst(ast.to), "a slice");
  const { one } = target;
  if (ast.lenient === true) {
    return {
      each: (env, input, emit) =>
        target.each(env, input, (value) => {
          const bounds = [from(env, input), to(env, input)] as const;
          forgive(() => sliceValue(value, ...bounds), emit);
        }),
    };
  }
  if (one !== undefined) return single((env, input) => sliceValue(one(env, input), from(env, input), to(env, input)));
  return {
    each: (env, input, emit) =>
      target.each(env, input, (value) => emit(sliceValue(value, from(env, input), to(env, input)))),
  };
}

/** An error ends the outputs of the body; what was emitted before it stands. Errors of whoever receives an output are not ours. */
function compileTry(body: Filter, handler: Filter | undefined): Filter {
  return {
    each: (env, input, emit) => {
      const outputs: JsonValue[] = [];
      let caught: JqError | undefined;
      try {
        body.each(env, input, (value) => {
          burn(env);
          outputs.push(value);
        });
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
        if (handler !== undefined && !error.raised) throw new UseReferenceError("the wording of an error");
        caught = error;
      }
      for (const value of outputs) emit(value);
      if (caught !== undefined && handler !== undefined) handler.each(env, caught.value, emit);
    },
  };
}

/** jq 1.8 forgives no errors on the left. */
function compileAlternative(left: Filter, right: Filter): Filter {
  const { one: oneLeft } = left;
  const { one: oneRight } = right;
  if (oneLeft !== undefined && oneRight !== undefined) {
    return single((env, input) => {
      const value = oneLeft(env, input);
      return isTruthy(value) ? value : oneRight(env, input);
    });
  }
  return {
    each: (env, input, emit) => {
      let found = 0;
      left.each(env, input, (value) => {
        if (!isTruthy(value)) return;
        found += 1;
        emit(value);
      });
      if (found === 0) right.each(env, input, emit);
    },
  };
}

function compileLogic(kind: "and" | "or", left: Filter, right: Filter): Filter {
  const decidedBy = kind === "or";
  const { one: oneLeft } = left;
  const { one: oneRight } = right;
  if (oneLeft !== undefined && oneRight !== undefined) {
    return single((env, input) =>
      isTruthy(oneLeft(env, input)) === decidedBy ? decidedBy : isTruthy(oneRight(env, input)),
    );
  }
  return {
    each: (env, input, emit) =>
      left.each(env, input, (a) => {
        if (isTruthy(a) === decidedBy) emit(decidedBy);
        else right.each(env, input, (b) => emit(isTruthy(b)));
      }),
  };
}

function compileIf(condition: Filter, then: Filter, otherwise: Filter | undefined): Filter {
  const alternative = otherwise ?? single((_env, input) => input);
  const { one: oneCondition } = condition;
  const { one: oneThen } = then;
  const { one: oneElse } = alternative;
  if (oneCondition !== undefined && oneThen !== undefined && oneElse !== undefined) {
    return single((env, input) => (isTruthy(oneCondition(env, input)) ? oneThen(env, input) : oneElse(env, input)));
  }
  return {
    each: (env, input, emit) =>
      condition.each(env, input, (value) => (isTruthy(value) ? then : alternative).each(env, input, emit)),
  };
}

function compileBind(source: Filter, name: string, body: Filter): Filter {
  const { one: oneSource } = source;
  const { one: oneBody } = body;
  if (oneSource !== undefined && oneBody !== undefined) {
    return single((env, input) => oneBody(bind(env, name, oneSource(env, input)), input));
  }
  return {
    each: (env, input, emit) => source.each(env, input, (value) => body.each(bind(env, name, value), input, emit)),
  };
}

function compileReduce(ast: Extract<Ast, { kind: "reduce" }>): Filter {
  const source = compileAst(ast.source);
  const initial = requireOne(compileAst(ast.initial), "the start of reduce");
  const update = requireOne(compileAst(ast.update), "the update of reduce");
  return single((env, input) => {
    let state = initial(env, input);
    source.each(env, input, (value) => {
      burn(env);
      state = update(bind(env, ast.name, value), state);
    });
    return state;
  });
}

function compileCall(ast: Extract<Ast, { kind: "call" }>): Filter {
  const builtin = BUILTINS[ast.name];
  if (builtin === undefined) throw new NotCompiledError(ast.name);
  return builtin(ast.args.map(compileAst));
}
