import type { JsonValue } from "@logomesh/contracts";
import { JqError, JqLimitError, boundedArray, describe, isObject } from "./values.ts";

/** Variables in scope, innermost first, and what the evaluation may still spend. */
export interface Env {
  readonly variables: Readonly<Record<string, JsonValue>>;
  readonly bound: Bound | undefined;
  readonly fuel: Fuel;
}

interface Bound {
  readonly name: string;
  readonly value: JsonValue;
  readonly outer: Bound | undefined;
}

/** Outputs that may still be produced inside the expression; bounds time without a clock. */
export interface Fuel {
  left: number;
}

export type Emit = (value: JsonValue) => void;

/** A compiled filter. `one` exists when it always has exactly one output (or raises); it is the fast way. */
export interface Filter {
  one?: (env: Env, input: JsonValue) => JsonValue;
  each: (env: Env, input: JsonValue, emit: Emit) => void;
}

export function burn(env: Env): void {
  if (--env.fuel.left < 0) throw new JqLimitError("The expression produced too many values.");
}

/** A filter with exactly one output. */
export function single(one: (env: Env, input: JsonValue) => JsonValue): Filter {
  return { one, each: (env, input, emit) => emit(one(env, input)) };
}

export function pipe(left: Filter, right: Filter): Filter {
  const { one: oneLeft } = left;
  const { one: oneRight } = right;
  if (oneLeft !== undefined && oneRight !== undefined)
    return single((env, input) => oneRight(env, oneLeft(env, input)));
  return { each: (env, input, emit) => left.each(env, input, (value) => right.each(env, value, emit)) };
}

export function eachItem(env: Env, input: JsonValue, emit: Emit): void {
  if (Array.isArray(input)) {
    for (const item of input) {
      burn(env);
      emit(item);
    }
  } else if (isObject(input)) {
    for (const key of Object.keys(input)) {
      burn(env);
      emit(input[key] as JsonValue);
    }
  } else {
    throw new JqError(`Cannot iterate over ${input === null ? "null" : describe(input)}`);
  }
}

export function collect(filter: Filter, env: Env, input: JsonValue): JsonValue[] {
  const items: JsonValue[] = [];
  filter.each(env, input, (value) => {
    burn(env);
    items.push(value);
  });
  return boundedArray(items);
}

export function bind(env: Env, name: string, value: JsonValue): Env {
  return { ...env, bound: { name, value, outer: env.bound } };
}
