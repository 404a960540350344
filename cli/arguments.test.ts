import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "@logomesh/contracts";
import { createTempFolder } from "@logomesh/core/testing";
import { expect, test } from "vitest";
import { readTextFile } from "./arguments.ts";
import { createStubWorkbench } from "./testing/stubWorkbench.ts";
import { runCli, running } from "./testing/runCli.ts";

const RUN: Run = {
  ...{ id: "run_1", status: "pending", createdAt: "2026-01-01T00:00:00.000Z", recoveries: 0 },
  workflow: { namespace: "default", name: "w", version: "1.0.0", hash: "ab" },
};

/** What `run` sends for these arguments; files are in the folder. */
async function sent(args: string[], { cwd, stdin = "" }: { cwd: string; stdin?: string }): Promise<unknown> {
  const workbench = createStubWorkbench({ startRun: () => RUN });
  const result = await runCli(["run", "--detach", ...args], { cwd, stdin, workbenches: running(workbench) });
  if (result.code !== 0) return result.err;
  return JSON.parse(workbench.requests[0]?.replace("POST /api/runs ", "") ?? "");
}

test("names, versions and files of workflows", async () => {
  using folder = createTempFolder();
  const cwd = folder.path;
  writeFileSync(join(cwd, "w.yaml"), "do: []\n");
  expect(await sent(["w"], { cwd })).toEqual({ workflow: { namespace: "default", name: "w" }, input: {} });
  expect(await sent(["n/w@1.2.0"], { cwd })).toEqual({
    workflow: { namespace: "n", name: "w", version: "1.2.0" },
    input: {},
  });
  expect(await sent(["w.yaml"], { cwd })).toEqual({ source: "do: []\n", input: {} });
});

test("input from members, JSON, YAML, a text, several texts and standard input", async () => {
  using folder = createTempFolder();
  const cwd = folder.path;
  writeFileSync(join(cwd, "a.json"), '{"a":1}');
  writeFileSync(join(cwd, "b.yml"), "b: [1, two]\n");
  writeFileSync(join(cwd, "c.md"), "# Title\n");
  const input = async (...args: string[]) => {
    const body = await sent(["w", ...args], { cwd, stdin: "piped é" });
    return typeof body === "string" ? body : (body as { input: unknown }).input;
  };
  expect(await input("--input", "n=5", "--input", "t=five", "--input", 'o={"a":[true]}', "--input", "e=a=b")).toEqual({
    ...{ n: 5, t: "five", o: { a: [true] }, e: "a=b" },
  });
  expect(await input("--input-file", "a.json", "--input", "b=2")).toEqual({ a: 1, b: 2 });
  expect(await input("--input-file", "b.yml")).toEqual({ b: [1, "two"] });
  expect(await input("--input-file", "c.md")).toEqual({ text: "# Title\n", name: "c.md" });
  expect(await input("--input-file", "-")).toEqual({ text: "piped é", name: "standard input" });
  expect(await input("--input-file", "c.md", "--input-file", "a.json")).toEqual({
    files: [
      { name: "c.md", text: "# Title\n" },
      { name: "a.json", text: '{"a":1}' },
    ],
  });
  writeFileSync(join(cwd, "list.json"), "[1]");
  expect(await input("--input-file", "list.json", "--input", "b=2")).toContain("must hold an object");
  writeFileSync(join(cwd, "broken.json"), "{");
  expect(await input("--input-file", "broken.json")).toContain("broken.json cannot be read as JSON or YAML");
});

test("a file that cannot be read is named with the reason", async () => {
  using folder = createTempFolder();
  const context = { cwd: folder.path, readInput: () => Promise.resolve("") };
  await expect(readTextFile("none.md", context)).rejects.toMatchObject({
    code: "LM_NOT_FOUND",
    message: `There is no file ${join(folder.path, "none.md")}.`,
  });
  await expect(readTextFile(".", context)).rejects.toThrow("is a folder");
  writeFileSync(join(folder.path, "latin.txt"), Buffer.from([0x63, 0xe9]));
  await expect(readTextFile("latin.txt", context)).rejects.toThrow("not text in UTF-8");
  writeFileSync(join(folder.path, "plain"), "");
  await expect(readTextFile("plain/below", context)).rejects.toThrow("ENOTDIR");
});
