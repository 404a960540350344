import { expect, test } from "vitest";
import { withinLimit } from "./payloadLimit.ts";

test("payloads above the limit are told by their size, others stay", () => {
  const whole = { id: "r", input: "é".repeat(10), output: null };
  expect(withinLimit(whole, 21)).toEqual({ id: "r", inputBytes: 22, output: null });
  expect(withinLimit(whole, 22)).toEqual(whole);
  expect(withinLimit(whole, 0)).toEqual({ id: "r", inputBytes: 22, outputBytes: 4 });
  expect(withinLimit(whole, undefined)).toBe(whole);
  expect(withinLimit({}, 0)).toEqual({});
});
