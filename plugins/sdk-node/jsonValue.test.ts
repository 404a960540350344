import fc from "fast-check";
import { expect, test } from "vitest";
import { toJsonValue } from "./jsonValue.ts";

test("keeps every JSON value as it is", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnpairedSurrogate: false } as object), (value) => {
      expect(JSON.stringify(toJsonValue(value))).toBe(JSON.stringify(value));
    }),
  );
});

test("turns bigints into strings, dates into instants, and leaves absent properties out", () => {
  expect(toJsonValue({ big: 2n ** 64n, at: new Date(0), none: undefined })).toEqual({
    big: "18446744073709551616",
    at: "1970-01-01T00:00:00.000Z",
  });
});

test("keeps a key named __proto__ as data", () => {
  const value: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
  expect(JSON.stringify(toJsonValue(value))).toBe('{"__proto__":{"polluted":true}}');
});

const cycle: { self?: unknown } = {};
cycle.self = cycle;

test.each([
  [{ mean: Number.NaN }, "result.mean is NaN"],
  [[1, Number.POSITIVE_INFINITY], "result[1] is Infinity"],
  [() => 1, "result is function"],
  [{ a: [undefined] }, "result.a[0] is undefined"],
  [new Map(), "result is a Map"],
  [cycle, "nests deeper than 60 levels"],
])("refuses %j", (value, message) => {
  expect(() => toJsonValue(value)).toThrow(message);
});
