import { expect, test } from "vitest";
import { versionOf, withNextVersion } from "./sourceVersion.ts";

const SOURCE = `# kept
document:
  name: a
  version: "1.0.0" # and this
do: []
`;

test("the next free version is written where the old one stands, and nothing else changes", () => {
  expect(versionOf(SOURCE)).toBe("1.0.0");
  expect(withNextVersion(SOURCE, ["1.0.0", "1.0.1"])).toEqual({
    version: "1.0.2",
    source: SOURCE.replace('"1.0.0"', '"1.0.2"'),
  });
});

test("a version that is no three numbers, or none, has no next one", () => {
  expect(withNextVersion("document: { version: beta }", [])).toBeUndefined();
  expect(withNextVersion("do: []", [])).toBeUndefined();
  expect(versionOf("document: { version: 1 }")).toBeUndefined();
});
