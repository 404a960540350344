export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** Deeper values are refused: no message of the protocol may nest further. Two levels go to the envelope. */
const DEPTH_MAX = 60;

/**
 * A copy of a handler's result that survives JSON unchanged: bigints become decimal strings, absent properties go away,
 * and what JSON cannot say (NaN, infinities, functions, cycles) is refused with its place.
 *
 * @throws TypeError naming the place
 */
export function toJsonValue(value: unknown, place = "result", depth = 0): JsonValue {
  if (depth > DEPTH_MAX) throw new TypeError(`${place} nests deeper than ${DEPTH_MAX} levels, or refers to itself`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "bigint":
      return value.toString();
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${place} is ${value}, which JSON has no number for`);
      return value;
    case "object":
      return value === null ? null : objectToJson(value, { place, depth });
    case "undefined":
    case "function":
    case "symbol":
      throw new TypeError(`${place} is ${typeof value}, which is not a JSON value`);
  }
}

function objectToJson(value: object, { place, depth }: { place: string; depth: number }): JsonValue {
  if (Array.isArray(value)) return value.map((item, index) => toJsonValue(item, `${place}[${index}]`, depth + 1));
  if (value instanceof Date) return value.toISOString();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = value.constructor.name;
    throw new TypeError(`${place} is a ${name}; return plain objects and arrays`);
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  // fromEntries defines own properties, so a key named __proto__ stays data.
  return Object.fromEntries(entries.map(([key, item]) => [key, toJsonValue(item, `${place}.${key}`, depth + 1)]));
}
