import type { JsonObject, JsonValue } from "@logomesh/contracts";

/** An error that jq itself would raise; `try` and `?` catch it. */
export class JqError extends Error {
  override readonly name = "JqError";
  readonly value: JsonValue;
  /** True for `error(…)`: its value is exact. The wording of jq's own errors is the reference's. */
  readonly raised: boolean;

  constructor(value: JsonValue, raised = false) {
    super(typeof value === "string" ? value : `${JSON.stringify(value)} (not a string)`);
    this.value = value;
    this.raised = raised;
  }
}

/** Raised where the compiled form would not be exact: the reference takes over. */
export class UseReferenceError extends Error {
  override readonly name = "UseReferenceError";
}

/** A limit of the evaluation was hit. */
export class JqLimitError extends Error {
  override readonly name = "JqLimitError";
}

/** Longest text and longest array that an expression may build: far above any real use, far below what hurts. */
export const STRING_CHARS_MAX = 8 * 1024 * 1024;
export const ARRAY_ITEMS_MAX = 1_000_000;

/**
 * Values and characters that one evaluation may still copy or compare. Fuel counts outputs; this counts what a single output
 * costs, at most about 60 ns each. Evaluation is synchronous, so one counter serves all. What needs more runs in the worker, which has a time limit.
 */
const WORK_MAX = 2_000_000;
/** Copying characters and items is that much quicker than looking at them. */
const COPIED_PER_WORK = 16;
let workLeft = WORK_MAX;

export function startWork(): void {
  workLeft = WORK_MAX;
}

export function work(units: number): void {
  workLeft -= units;
  if (workLeft < 0) throw new UseReferenceError("too much work for the main thread");
}

/** About the characters of the JSON text; stops counting above `max`, so that values shared many times end it too. */
export function sizeOf(value: JsonValue, max: number): number {
  if (typeof value === "string") return value.length + 3;
  if (typeof value !== "object" || value === null) return 2;
  let size = 3;
  if (Array.isArray(value)) {
    for (const item of value) {
      size += sizeOf(item, max - size);
      if (size > max) break;
    }
    return size;
  }
  for (const key of Object.keys(value)) {
    size += key.length + 3 + sizeOf(value[key] as JsonValue, max - size);
    if (size > max) break;
  }
  return size;
}

export function typeName(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

const TYPE_ORDER: Record<string, number> = { null: 0, boolean: 1, number: 3, string: 4, array: 5, object: 6 };

function orderOf(value: JsonValue): number {
  if (typeof value === "boolean") return value ? 2 : 1;
  return TYPE_ORDER[typeName(value)] ?? 0;
}

export function isTruthy(value: JsonValue): boolean {
  return value !== null && value !== false;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Unicode code point order, which UTF-16 order is not above U+FFFF. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  work(length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) {
      const leftHigh = left >= 0xd800 && left <= 0xdfff;
      const rightHigh = right >= 0xd800 && right <= 0xdfff;
      if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
      return left - right;
    }
  }
  return a.length - b.length;
}

export function sortedKeys(value: JsonObject): string[] {
  work(Object.keys(value).length);
  return Object.keys(value).sort(compareStrings);
}

/** jq's total order of values. */
export function compareValues(a: JsonValue, b: JsonValue): number {
  work(1);
  const order = orderOf(a) - orderOf(b);
  if (order !== 0) return order;
  if (typeof a === "number") return a - (b as number);
  if (typeof a === "string") return compareStrings(a, b as string);
  if (Array.isArray(a)) return compareArrays(a, b as JsonValue[]);
  if (isObject(a)) return compareObjects(a, b as JsonObject);
  return 0;
}

function compareArrays(a: JsonValue[], b: JsonValue[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareValues(a[index] as JsonValue, b[index] as JsonValue);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: JsonObject, b: JsonObject): number {
  const keys = sortedKeys(a);
  const order = compareArrays(keys, sortedKeys(b));
  if (order !== 0) return order;
  for (const key of keys) {
    const members = compareValues(a[key] as JsonValue, b[key] as JsonValue);
    if (members !== 0) return members;
  }
  return 0;
}

export function indexValue(target: JsonValue, key: JsonValue): JsonValue {
  if (typeof key === "string") {
    if (target === null) return null;
    if (isObject(target)) return Object.hasOwn(target, key) ? (target[key] as JsonValue) : null;
    throw new JqError(`Cannot index ${typeName(target)} with string ("${key}")`);
  }
  if (typeof key === "number") {
    if (target === null) return null;
    if (!Array.isArray(target)) throw new JqError(`Cannot index ${typeName(target)} with number`);
    if (!Number.isSafeInteger(key)) throw new UseReferenceError("unusual index");
    return target[key < 0 ? target.length + key : key] ?? null;
  }
  throw new UseReferenceError("index by value");
}

export function sliceValue(target: JsonValue, from: JsonValue, to: JsonValue): JsonValue {
  if (target === null) return null;
  if (typeof target !== "string" && !Array.isArray(target))
    throw new JqError(`Cannot index ${typeName(target)} with object`);
  for (const bound of [from, to]) {
    if (bound !== null && typeof bound !== "number")
      throw new JqError("Start and end indices of an array slice must be numbers");
    if (typeof bound === "number" && !Number.isInteger(bound)) throw new UseReferenceError("fractional slice");
  }
  const start = (from as number | null) ?? 0;
  const end = (to as number | null) ?? Infinity;
  work(target.length);
  if (Array.isArray(target)) return target.slice(start, end);
  const points = Array.from(target);
  return points.length === target.length ? target.slice(start, end) : points.slice(start, end).join("");
}

/** Infinities and minus zero are the reference's: JSON has neither. */
export function finite(value: number): number {
  if (!Number.isFinite(value) || Object.is(value, -0)) throw new UseReferenceError("number out of range");
  return value;
}

function assertStringLength(length: number): void {
  if (length > STRING_CHARS_MAX)
    throw new JqLimitError(`A text of ${length} characters was built, at most ${STRING_CHARS_MAX} are allowed.`);
}

export function joinTexts(texts: string[], separator: string): string {
  const length = texts.reduce((sum, text) => sum + text.length, separator.length * Math.max(0, texts.length - 1));
  assertStringLength(length);
  work(length / COPIED_PER_WORK);
  return texts.join(separator);
}

export function boundedArray(items: JsonValue[]): JsonValue[] {
  if (items.length > ARRAY_ITEMS_MAX)
    throw new JqLimitError(`A list of ${items.length} items was built, at most ${ARRAY_ITEMS_MAX} are allowed.`);
  return items;
}

export function addValues(a: JsonValue, b: JsonValue): JsonValue {
  if (a === null) return b;
  if (b === null) return a;
  if (typeof a === "number" && typeof b === "number") return finite(a + b);
  if (typeof a === "string" && typeof b === "string") {
    assertStringLength(a.length + b.length);
    return a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    work((a.length + b.length) / COPIED_PER_WORK);
    return boundedArray(a.concat(b));
  }
  if (isObject(a) && isObject(b)) return mergeObjects(a, b);
  throw new JqError(`${describe(a)} and ${describe(b)} cannot be added`);
}

/** Assigns as data: `__proto__` is a key like any other. */
export function setMember(target: JsonObject, key: string, value: JsonValue): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

/** As `setMember`, where the order of members can be seen: JavaScript moves keys such as "1" to the front, jq does not. */
export function appendMember(target: JsonObject, key: string, value: JsonValue): void {
  const first = key.charCodeAt(0);
  if (first >= 48 && first <= 57 && !Object.hasOwn(target, key) && Object.keys(target).length > 0)
    throw new UseReferenceError("order of number-like keys");
  setMember(target, key, value);
}

function mergeObjects(a: JsonObject, b: JsonObject): JsonObject {
  const merged = { ...a };
  work(Object.keys(merged).length);
  for (const key of Object.keys(b)) {
    work(1);
    appendMember(merged, key, b[key] as JsonValue);
  }
  return merged;
}

export function subtractValues(a: JsonValue, b: JsonValue): JsonValue {
  if (typeof a === "number" && typeof b === "number") return finite(a - b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.filter((item) => !b.some((other) => compareValues(item, other) === 0));
  throw new JqError(`${describe(a)} and ${describe(b)} cannot be subtracted`);
}

export function multiplyValues(a: JsonValue, b: JsonValue): JsonValue {
  if (typeof a === "number" && typeof b === "number") return finite(a * b);
  throw new UseReferenceError("multiplication of other than numbers");
}

export function divideValues(a: JsonValue, b: JsonValue): JsonValue {
  if (typeof a === "number" && typeof b === "number") {
    if (b === 0) throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided because the divisor is zero`);
    return finite(a / b);
  }
  if (typeof a === "string" && typeof b === "string") return splitText(a, b);
  throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided`);
}

export function splitText(text: string, separator: string): string[] {
  if (text === "") return [];
  work(text.length);
  return separator === "" ? Array.from(text) : text.split(separator);
}

export function remainderOf(a: JsonValue, b: JsonValue): JsonValue {
  if (typeof a !== "number" || typeof b !== "number")
    throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided`);
  const left = Math.trunc(a);
  const right = Math.trunc(b);
  if (!Number.isSafeInteger(left) || !Number.isSafeInteger(right)) throw new UseReferenceError("big remainder");
  if (right === 0) throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided because the divisor is zero`);
  return (left % right) + 0;
}

/** How jq names a value in its errors: type and shortened text. */
export function describe(value: JsonValue): string {
  const text = shortJson(value, DESCRIBED_CHARS_MAX);
  return `${typeName(value)} (${text.length > DESCRIBED_CHARS_MAX ? `${text.slice(0, DESCRIBED_CHARS_MAX - 3)}...` : text})`;
}

const DESCRIBED_CHARS_MAX = 29;

/** JSON text that may be cut anywhere behind `chars`. */
function shortJson(value: JsonValue, chars: number): string {
  if (typeof value === "string") return JSON.stringify(value.length > chars ? value.slice(0, chars + 1) : value);
  if (typeof value !== "object" || value === null) return String(value);
  const list = Array.isArray(value);
  let text = list ? "[" : "{";
  for (const key of list ? value.keys() : Object.keys(value)) {
    if (text.length > chars) return text;
    if (text.length > 1) text += ",";
    if (typeof key === "string") text += `${JSON.stringify(key.slice(0, chars))}:`;
    text += shortJson((value as Record<string | number, JsonValue>)[key] as JsonValue, chars - text.length);
  }
  return text + (list ? "]" : "}");
}

/** jq's `tostring`; numbers whose text differs between jq and JavaScript are left to the reference. */
export function toText(value: JsonValue): string {
  return typeof value === "string" ? value : toJson(value);
}

export function toJson(value: JsonValue): string {
  assertPlain(value);
  return JSON.stringify(value);
}

/** Throws for what jq writes in its own way, and for what is too large to be written here. */
function assertPlain(value: JsonValue): void {
  work(1);
  if (typeof value === "number") {
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e15 || size < 1e-3)) throw new UseReferenceError("number in exponent form");
  } else if (Array.isArray(value)) {
    for (const item of value) assertPlain(item);
  } else if (typeof value === "string") {
    work(value.length);
    if (value.includes("\u007f")) throw new UseReferenceError("control character");
  } else if (value !== null && typeof value === "object") {
    for (const key of Object.keys(value)) {
      assertPlain(key);
      assertPlain(value[key] as JsonValue);
    }
  }
}
