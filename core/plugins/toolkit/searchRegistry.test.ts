import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTempFolder } from "../../testing/index.ts";
import { writePlugin } from "../testing.ts";
import { searchRegistry } from "./searchRegistry.ts";

const entry = (id: string, more: object = {}) => ({
  ...{ id, name: "Words", description: "Counts words.", versions: [{ version: "1.0.0", source: "words-1.0.0.tgz" }] },
  ...more,
});

test("[PL95] every word must be found; what many rated well comes first, then what is installed more", () => {
  using folder = createTempFolder();
  const plugins = [
    entry("org.example.few", { rating: { mean: 5, count: 1 } }),
    entry("org.example.many", { rating: { mean: 4.6, count: 900 } }),
    entry("org.example.plain", { installs: 7, keywords: ["Weather"] }),
    entry("org.example.bad", { rating: { mean: 1, count: 90 }, installs: 9_000 }),
  ];
  writeFileSync(join(folder.path, "registry.json"), JSON.stringify({ version: 1, plugins }));
  const ids = (query: string) => searchRegistry(folder.path, query).map(({ id }) => id.split(".").at(-1));
  expect(ids("")).toEqual(["many", "few", "plain", "bad"]);
  expect(ids("WEATHER words")).toEqual(["plain"]);
  expect(ids("nothing")).toEqual([]);
  const [first] = searchRegistry(join(folder.path, "registry.json"), "many");
  expect(first?.versions).toEqual([{ version: "1.0.0", source: join(folder.path, "words-1.0.0.tgz") }]);
});

test("[PL95] a folder of plugins is a registry too, and what is none says why", () => {
  using folder = createTempFolder();
  writePlugin(join(folder.path, "a"), {
    files: { "index.mjs": "" },
    manifest: { keywords: ["x"], author: "A", license: "MIT" },
  });
  writePlugin(join(folder.path, "b"), { files: { "index.mjs": "" }, manifest: { version: "one" } });
  mkdirSync(join(folder.path, "c"));
  expect(searchRegistry(folder.path, "")).toEqual([
    {
      ...{
        id: "org.example.fixture",
        name: "Fixture",
        description: "A plugin of a test.",
        keywords: ["x"],
        installs: 0,
      },
      ...{ author: "A", license: "MIT", versions: [{ version: "1.0.0", source: join(folder.path, "a") }] },
    },
  ]);
  expect(() => searchRegistry(join(folder.path, "none"), "")).toThrow(/There is no registry at/);
  const file = join(folder.path, "registry.json");
  writeFileSync(file, "{");
  expect(() => searchRegistry(file, "")).toThrow(/is not JSON/);
  writeFileSync(file, JSON.stringify({ version: 1, plugins: [entry("one")] }));
  expect(() => searchRegistry(file, "")).toThrow(/plugins\/0\/id: use a reverse-DNS name/);
});
