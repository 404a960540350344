import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { burn, collect, eachItem, pipe, single, type Env, type Filter } from "./filter.ts";
import { NotCompiledError } from "./parser.ts";
import {
  JqError,
  UseReferenceError,
  addValues,
  appendMember,
  boundedArray,
  compareValues,
  describe,
  finite,
  indexValue,
  isObject,
  isTruthy,
  joinTexts,
  setMember,
  sortedKeys,
  splitText,
  toJson,
  toText,
  typeName,
  work,
} from "./values.ts";

type Builtin = (args: Filter[]) => Filter;

/** A builtin without arguments that maps one value to one value. */
function value(apply: (input: JsonValue, env: Env) => JsonValue): Builtin {
  return () => single((env, input) => apply(input, env));
}

/** A builtin whose one argument is a plain value. */
function withValue(apply: (input: JsonValue, argument: JsonValue) => JsonValue): Builtin {
  return ([argument]) => {
    const one = argument?.one;
    if (one === undefined) throw new NotCompiledError("several outputs in an argument");
    return single((env, input) => apply(input, one(env, input)));
  };
}

/** A builtin whose argument is a filter that has one output for each item. */
function withFilter(apply: (env: Env, input: JsonValue, filter: (item: JsonValue) => JsonValue) => JsonValue): Builtin {
  return ([argument]) => {
    const one = argument?.one;
    if (one === undefined) throw new NotCompiledError("several outputs in an argument");
    return single((env, input) =>
      apply(env, input, (item) => {
        burn(env);
        return one(env, item);
      }),
    );
  };
}

function arrayOf(input: JsonValue, what: string): JsonValue[] {
  if (!Array.isArray(input)) throw new JqError(`${describe(input)} cannot be ${what}, as it is not an array`);
  return input;
}

function numberOf(input: JsonValue): number {
  if (typeof input !== "number") throw new JqError(`${describe(input)} number required`);
  return input;
}

function lengthOf(input: JsonValue): JsonValue {
  if (input === null) return 0;
  if (typeof input === "boolean") throw new JqError(`${describe(input)} has no length`);
  if (typeof input === "number") return Math.abs(input);
  if (typeof input === "string") {
    work(input.length);
    let count = 0;
    for (const _point of input) count += 1;
    return count;
  }
  return Array.isArray(input) ? input.length : Object.keys(input).length;
}

function keysOf(input: JsonValue, sorted: boolean): JsonValue {
  if (Array.isArray(input)) {
    work(input.length);
    return input.map((_item, index) => index);
  }
  if (isObject(input)) return sorted ? sortedKeys(input) : Object.keys(input);
  throw new JqError(`${describe(input)} has no keys`);
}

function mapItems(env: Env, filter: Filter, input: JsonValue): JsonValue[] {
  return collect(
    { each: (scope, items, emit) => eachItem(scope, items, (item) => filter.each(scope, item, emit)) },
    env,
    input,
  );
}

function addAll(items: JsonValue[]): JsonValue {
  // Texts and lists are joined at once: adding one by one copies the whole each time.
  if (items.length > 2 && items.every((item) => typeof item === "string")) return joinTexts(items, "");
  if (items.length > 2 && items.every((item) => Array.isArray(item))) return flatten(items, 1);
  return items.reduce<JsonValue>((sum, item) => addValues(sum, item), null);
}

function itemsOf(input: JsonValue): JsonValue[] {
  if (Array.isArray(input)) return input;
  if (isObject(input)) return Object.values(input);
  throw new JqError(`Cannot iterate over ${input === null ? "null" : describe(input)}`);
}

function joinText(input: JsonValue, separator: JsonValue): JsonValue {
  const items = itemsOf(input);
  if (items.length === 0) return "";
  if (typeof separator !== "string") throw new UseReferenceError("join with other than text");
  const texts = items.map((item) => {
    if (item === null) return "";
    if (typeof item === "string") return item;
    if (typeof item === "number" || typeof item === "boolean") return toJson(item);
    throw new UseReferenceError("join of containers");
  });
  return joinTexts(texts, separator);
}

interface Keyed {
  key: JsonValue;
  item: JsonValue;
}

function sortedBy(input: JsonValue, what: string, key: (item: JsonValue) => JsonValue): Keyed[] {
  return arrayOf(input, what)
    .map((item) => ({ key: key(item), item }))
    .sort((a, b) => compareValues(a.key, b.key));
}

function groups(sorted: Keyed[]): Keyed[][] {
  const result: Keyed[][] = [];
  for (const entry of sorted) {
    const last = result.at(-1);
    if (last?.[0] !== undefined && compareValues(last[0].key, entry.key) === 0) last.push(entry);
    else result.push([entry]);
  }
  return result;
}

function extreme(input: JsonValue, what: string, key: (item: JsonValue) => JsonValue, largest: boolean): JsonValue {
  const items = arrayOf(input, what);
  let best: Keyed | undefined;
  for (const item of items) {
    const candidate = { key: key(item), item };
    const order = best === undefined ? 0 : compareValues(candidate.key, best.key);
    // jq keeps the first of equal minima and the last of equal maxima.
    if (best === undefined || (largest ? order >= 0 : order < 0)) best = candidate;
  }
  return best?.item ?? null;
}

function hasKey(input: JsonValue, key: JsonValue): JsonValue {
  if (isObject(input) && typeof key === "string") return Object.hasOwn(input, key);
  if (Array.isArray(input) && Number.isSafeInteger(key)) return (key as number) >= 0 && (key as number) < input.length;
  if (Array.isArray(input) && typeof key === "number") throw new UseReferenceError("unusual index");
  throw new JqError(
    `Cannot check whether ${typeName(input)} has a ${typeof key === "string" ? "string" : typeName(key)} key`,
  );
}

/** jq refuses values of different types, true and false among them, but only at the top. */
function containsTop(a: JsonValue, b: JsonValue): boolean {
  if (typeName(a) !== typeName(b) || (typeof a === "boolean" && a !== b))
    throw new JqError(`${describe(a)} and ${describe(b)} cannot have their containment checked`);
  return containsValue(a, b);
}

function containsValue(a: JsonValue, b: JsonValue): boolean {
  work(1);
  if (isObject(a) && isObject(b)) {
    return Object.keys(b).every(
      (key) => Object.hasOwn(a, key) && containsValue(a[key] as JsonValue, b[key] as JsonValue),
    );
  }
  if (Array.isArray(a) && Array.isArray(b)) return b.every((wanted) => a.some((item) => containsValue(item, wanted)));
  if (typeof a === "string" && typeof b === "string") {
    work(a.length);
    return a.includes(b);
  }
  return compareValues(a, b) === 0;
}

function affix(
  input: JsonValue,
  part: JsonValue,
  name: string,
  test: (text: string, part: string) => boolean,
): JsonValue {
  if (typeof input !== "string" || typeof part !== "string") throw new JqError(`${name}() requires string inputs`);
  return test(input, part);
}

function trimAffix(input: JsonValue, part: JsonValue, trim: (text: string, part: string) => string): JsonValue {
  if (typeof input !== "string" || typeof part !== "string") throw new UseReferenceError("trimming other than texts");
  return trim(input, part);
}

function mapAscii(input: JsonValue, name: string, apply: (text: string) => string): JsonValue {
  if (typeof input !== "string") throw new JqError(`${name} input must be a string`);
  return input.replaceAll(/[A-Za-z]/g, apply);
}

function toNumber(input: JsonValue): JsonValue {
  if (typeof input === "number") return input;
  if (typeof input !== "string") throw new JqError(`${describe(input)} cannot be parsed as a number`);
  if (!/^-?(0|[1-9]\d{0,14})(\.\d{1,10})?$/.test(input)) throw new UseReferenceError("unusual number");
  return Number(input);
}

function toEntries(input: JsonValue): JsonValue {
  if (!isObject(input)) throw new UseReferenceError("to_entries of other than an object");
  work(Object.keys(input).length);
  return Object.keys(input).map((key) => ({ key, value: input[key] as JsonValue }));
}

function fromEntries(input: JsonValue): JsonValue {
  const object: JsonObject = {};
  if (!Array.isArray(input)) throw new UseReferenceError("from_entries of other than a list");
  for (const entry of input) {
    if (!isObject(entry) || typeof entry.key !== "string" || !Object.hasOwn(entry, "value"))
      throw new UseReferenceError("unusual entry");
    appendMember(object, entry.key, entry.value as JsonValue);
  }
  return object;
}

function flatten(input: JsonValue, depth: number): JsonValue[] {
  if (!Array.isArray(input)) throw new UseReferenceError("flatten of other than a list");
  const flat: JsonValue[] = [];
  const add = (items: JsonValue[], left: number): void => {
    for (const item of items) {
      work(1);
      if (Array.isArray(item) && left > 0) add(item, left - 1);
      else flat.push(item);
    }
  };
  add(input, depth);
  return boundedArray(flat);
}

function reverse(input: JsonValue): JsonValue {
  if (!Array.isArray(input)) throw new UseReferenceError("reverse of other than a list");
  work(input.length);
  return input.toReversed();
}

function rangeOf(from: number, to: number): Filter {
  return {
    each: (env, _input, emit) => {
      for (let number = from; number < to; number++) {
        burn(env);
        emit(number);
      }
    },
  };
}

function rangeFilter(args: Filter[]): Filter {
  const bounds = args.map((argument) => {
    if (argument.one === undefined) throw new NotCompiledError("several outputs in range");
    return argument.one;
  });
  return {
    each: (env, input, emit) => {
      const numbers = bounds.map((bound) => {
        const number = bound(env, input);
        if (typeof number !== "number") throw new JqError("Range bounds must be numeric");
        return number;
      });
      const [from = 0, to = 0] = numbers.length === 1 ? [0, numbers[0]] : numbers;
      rangeOf(from, to).each(env, input, emit);
    },
  };
}

function anyAll(decidedBy: boolean, test: Filter | undefined): Filter {
  const one = test === undefined ? (_env: Env, item: JsonValue): JsonValue => item : test.one;
  if (one === undefined) throw new NotCompiledError("several outputs in any or all");
  return single((env, input) => {
    for (const item of itemsOf(input)) {
      burn(env);
      if (isTruthy(one(env, item)) === decidedBy) return decidedBy;
    }
    return !decidedBy;
  });
}

function sliceFirst(input: JsonValue, wanted: JsonValue, filter: Filter, env: Env): JsonValue[] {
  if (typeof wanted !== "number" || !Number.isInteger(wanted) || wanted < 0)
    throw new UseReferenceError("unusual limit");
  const items: JsonValue[] = [];
  if (wanted === 0) return items;
  const enough = new Error("enough");
  try {
    filter.each(env, input, (item) => {
      burn(env);
      items.push(item);
      if (items.length >= wanted) throw enough;
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return items;
}

/** By name and number of arguments. What is missing here is evaluated by the reference. */
export const BUILTINS: Record<string, Builtin | undefined> = {
  "empty/0": () => ({ each: () => undefined }),
  "error/0": () => single((_env, input) => raise(input)),
  "error/1": ([message]) =>
    pipe(
      message ?? single((_env, input) => input),
      single((_env, input) => raise(input)),
    ),
  "not/0": value((input) => !isTruthy(input)),
  "length/0": value(lengthOf),
  "keys/0": value((input) => keysOf(input, true)),
  "keys_unsorted/0": value((input) => keysOf(input, false)),
  "values/0": () => ({ each: (_env, input, emit) => (input === null ? undefined : emit(input)) }),
  "map/1": ([filter]) => single((env, input) => mapItems(env, required(filter), input)),
  "map_values/1": ([filter]) => {
    const one = required(filter).one;
    if (one === undefined) throw new NotCompiledError("several outputs in map_values");
    return single((env, input) => {
      if (Array.isArray(input)) return input.map((item) => one(env, item));
      if (!isObject(input)) throw new JqError(`Cannot iterate over ${input === null ? "null" : describe(input)}`);
      const object: JsonObject = {};
      for (const key of Object.keys(input)) setMember(object, key, one(env, input[key] as JsonValue));
      return object;
    });
  },
  "select/1": ([condition]) => ({
    each: (env, input, emit) =>
      required(condition).each(env, input, (chosen) => (isTruthy(chosen) ? emit(input) : undefined)),
  }),
  "recurse/0": () => ({ each: (env, input, emit) => recurseInto(env, input, emit) }),
  "add/0": value((input) => addAll(itemsOf(input))),
  "add/1": ([filter]) => single((env, input) => addAll(collect(required(filter), env, input))),
  "any/0": () => anyAll(true, undefined),
  "all/0": () => anyAll(false, undefined),
  "any/1": ([test]) => anyAll(true, test),
  "all/1": ([test]) => anyAll(false, test),
  "join/1": withValue(joinText),
  "split/1": withValue((input, separator) => {
    if (typeof input !== "string" || typeof separator !== "string")
      throw new JqError("split input and separator must be strings");
    return splitText(input, separator);
  }),
  "range/1": rangeFilter,
  "range/2": rangeFilter,
  "first/0": value((input) => indexValue(input, 0)),
  "last/0": value((input) => indexValue(input, -1)),
  "first/1": ([filter]) => ({
    each: (env, input, emit) => sliceFirst(input, 1, required(filter), env).forEach(emit),
  }),
  "limit/2": ([count, filter]) => {
    const one = required(count).one;
    if (one === undefined) throw new NotCompiledError("several outputs in limit");
    return { each: (env, input, emit) => sliceFirst(input, one(env, input), required(filter), env).forEach(emit) };
  },
  "sort/0": value((input) => sortedBy(input, "sorted", (item) => item).map(({ item }) => item)),
  "sort_by/1": withFilter((_env, input, key) => sortedBy(input, "sorted", key).map(({ item }) => item)),
  "group_by/1": withFilter((_env, input, key) =>
    groups(sortedBy(input, "grouped", key)).map((group) => group.map(({ item }) => item)),
  ),
  "unique/0": value((input) =>
    groups(sortedBy(input, "sorted", (item) => item)).map((group) => group[0]?.item ?? null),
  ),
  "unique_by/1": withFilter((_env, input, key) =>
    groups(sortedBy(input, "grouped", key)).map((group) => group[0]?.item ?? null),
  ),
  "min/0": value((input) => extreme(input, "iterated over", (item) => item, false)),
  "max/0": value((input) => extreme(input, "iterated over", (item) => item, true)),
  "min_by/1": withFilter((_env, input, key) => extreme(input, "iterated over", key, false)),
  "max_by/1": withFilter((_env, input, key) => extreme(input, "iterated over", key, true)),
  "reverse/0": value(reverse),
  "has/1": withValue(hasKey),
  "in/1": withValue((input, object) => hasKey(object, input)),
  "contains/1": withValue(containsTop),
  "inside/1": withValue((input, container) => containsTop(container, input)),
  "startswith/1": withValue((input, part) => affix(input, part, "startswith", (text, start) => text.startsWith(start))),
  "endswith/1": withValue((input, part) => affix(input, part, "endswith", (text, end) => text.endsWith(end))),
  "ltrimstr/1": withValue((input, part) =>
    trimAffix(input, part, (text, start) => (text.startsWith(start) ? text.slice(start.length) : text)),
  ),
  "rtrimstr/1": withValue((input, part) =>
    trimAffix(input, part, (text, end) => (end !== "" && text.endsWith(end) ? text.slice(0, -end.length) : text)),
  ),
  "ascii_downcase/0": value((input) => mapAscii(input, "ascii_downcase", (letter) => letter.toLowerCase())),
  "ascii_upcase/0": value((input) => mapAscii(input, "ascii_upcase", (letter) => letter.toUpperCase())),
  "tostring/0": value(toText),
  "tonumber/0": value(toNumber),
  "tojson/0": value(toJson),
  "type/0": value(typeName),
  "floor/0": value((input) => finite(Math.floor(numberOf(input)))),
  "ceil/0": value((input) => finite(Math.ceil(numberOf(input)))),
  "sqrt/0": value((input) => finite(Math.sqrt(numberOf(input)))),
  "fabs/0": value((input) => Math.abs(numberOf(input))),
  "to_entries/0": value(toEntries),
  "from_entries/0": value(fromEntries),
  "with_entries/1": ([filter]) =>
    single((env, input) => fromEntries(mapItems(env, required(filter), toEntries(input)))),
  "flatten/0": value((input) => flatten(input, Infinity)),
  "objects/0": () => onlyIf(isObject),
  "arrays/0": () => onlyIf(Array.isArray),
  "strings/0": () => onlyIf((input) => typeof input === "string"),
  "numbers/0": () => onlyIf((input) => typeof input === "number"),
  "booleans/0": () => onlyIf((input) => typeof input === "boolean"),
  "nulls/0": () => onlyIf((input) => input === null),
};
Object.setPrototypeOf(BUILTINS, null);

function required(filter: Filter | undefined): Filter {
  if (filter === undefined) throw new NotCompiledError("missing argument");
  return filter;
}

function raise(input: JsonValue): never {
  if (input === null) throw new UseReferenceError("error(null)");
  throw new JqError(input, true);
}

function recurseInto(env: Env, input: JsonValue, emit: (item: JsonValue) => void): void {
  burn(env);
  emit(input);
  if (Array.isArray(input) || isObject(input)) eachItem(env, input, (item) => recurseInto(env, item, emit));
}

function onlyIf(test: (input: JsonValue) => boolean): Filter {
  return { each: (_env, input, emit) => (test(input) ? emit(input) : undefined) };
}
