import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, sha256Hex } from "./canonicalJson.ts";

test("keys are sorted by UTF-16 code unit and members that are undefined are left out", () => {
  // The example of RFC 8785, section 3.2.3: surrogate pairs sort before U+FB33.
  const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6", "gone"];
  const value = Object.fromEntries(keys.map((key, index) => [key, key === "gone" ? undefined : index]));
  expect(canonicalJson(value)).toBe('{"\\r":1,"1":3,"\u0080":5,"\u00f6":6,"\u20ac":0,"\ud83d\ude00":4,"\ufb33":2}');
});

test("numbers have the ECMAScript form", () => {
  expect(canonicalJson([1e21, 1e-7, -0, 333333333.3333333, 4.5, true, null])).toBe(
    "[1e+21,1e-7,0,333333333.3333333,4.5,true,null]",
  );
});

test.each([[NaN], [Infinity], ["\ud800"], [() => 1], [[undefined]], [{ a: 1n }]])("%s is refused", (value) => {
  expect(() => canonicalJson(value)).toThrow(/JSON/);
});

test("the text parses back to an equal value whatever the order of the members", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test("sha256Hex is SHA-256 in lower-case hexadecimal", () => {
  expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(sha256Hex(Uint8Array.of(97, 98, 99))).toBe(sha256Hex("abc"));
});
