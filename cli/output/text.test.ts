import fc from "fast-check";
import { expect, test } from "vitest";
import { truncate, truncateStart, visible, visibleJson, visibleLine, widthOf, wrap } from "./text.ts";

/** Any UTF-16, halves of surrogate pairs too. */
const text = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 30 });
const ESCAPE = "\u001b[2J\u001b]0;owned\u0007";

test("escape sequences, C1 controls and direction marks are shown instead of obeyed", () => {
  expect(visible(`a${ESCAPE}b`)).toBe("a␛[2J␛]0;owned␇b");
  expect(visible("\u009b31m\u007f\u202eevil\u2066")).toBe("\\u{9b}31m\\u{7f}\\u{202e}evil\\u{2066}");
  expect(visible("one\r\ntwo\rthree\ttab")).toBe("one\ntwo␍three\ttab");
});

test("a line end within a name does not begin a line", () => {
  expect(visibleLine("step\n✓ completed\tfake")).toBe("step␊✓ completed␉fake");
});

test("nothing that a terminal obeys is left, whatever the text", () => {
  fc.assert(fc.property(text, (value) => !/(?![\n\t])\p{Cc}/u.test(visible(value))));
  fc.assert(fc.property(text, (value) => !/\p{Cc}/u.test(visibleLine(value))));
});

test("JSON stays what it was, without a character that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.json(), text, (json, raw) => {
      const value = { json: JSON.parse(json) as unknown, raw };
      const printed = visibleJson(value);
      expect(printed).not.toMatch(/\p{Cc}/u);
      expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(visibleJson("\u009b\u202e")).toBe('"\\u009b\\u202e"');
});

test("the width is what a terminal takes: colours nothing, wide characters two, marks none", () => {
  expect(widthOf("\u001b[31mred\u001b[0m")).toBe(3);
  expect(widthOf("漢字")).toBe(4);
  expect(widthOf("🎉e\u0301")).toBe(3);
});

test("what does not fit is cut, with a sign of it", () => {
  expect(truncate("short", 5)).toBe("short");
  expect(truncate("longer", 5)).toBe("long…");
  expect(truncate("漢字漢字", 6)).toBe("漢字…");
  expect(truncateStart("longer", 5)).toBe("…nger");
  expect(truncateStart("short", 5)).toBe("short");
});

test("long lines break at spaces and keep their indentation; a long word stays whole", () => {
  expect(wrap("  - one two three", 11)).toEqual(["  - one two", "    three"]);
  expect(wrap("fits", 10)).toEqual(["fits"]);
  expect(wrap("abcdefghij k", 4)).toEqual(["abcdefghij", "k"]);
});
