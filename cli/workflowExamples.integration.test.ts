import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveWorkspace, type ServedWorkspace } from "./testing/servedWorkspace.ts";

// Each sample of workflows/examples is started as its first lines say, in a new workspace with the bundled plugins in their sandbox.

const FOLDER = join(import.meta.dirname, "../workflows/examples");
let workspace: ServedWorkspace;

beforeAll(async () => {
  workspace = await serveWorkspace();
});
afterAll(() => workspace[Symbol.asyncDispose]());

/** The line that starts the sample, and those that somebody types then, if the run waits for it. */
function linesOf(file: string): { start: string; then: string[] } {
  const text = readFileSync(join(FOLDER, file), "utf8");
  const start = /^# Start it with: +(.+)$/m.exec(text)?.[1];
  if (start === undefined) throw new Error(`${file} does not say how to start it.`);
  return { start, then: [...text.matchAll(/^# Then: +(.+)$/gm)].map(([, line = ""]) => line) };
}

async function json(line: string): Promise<{ id: string; output: unknown }> {
  const { code, out, err } = await workspace.type(`${line} --json`);
  expect([line, code, err.replace(/^.*mock.*\n/gm, "")]).toEqual([line, 0, ""]);
  return JSON.parse(out.trim().split("\n").at(-1) ?? "") as { id: string; output: unknown };
}

const OUTPUTS: Record<string, unknown> = {
  "check-site.yaml": "tested by itself: it needs a site",
  "classify-mail.yaml": { kind: expect.stringMatching(/^(invoice|question|other)$/), by: expect.any(String) },
  "compare-texts.yaml": {
    texts: [
      { number: 1, name: "walden.md", words: expect.any(Number) },
      { number: 2, name: "two-cities.txt", words: expect.any(Number) },
    ],
    longest: expect.any(String),
    median: expect.any(Number),
  },
  "count-words.yaml": { words: 6, sentences: 2 },
  "first-answer.yaml": { answer: expect.any(String), by: "mock" },
  "remind-me.yaml": { thoughtId: expect.any(String), title: "Water the plants" },
  "score-many.yaml": [
    { author: "Ada", score: 100 },
    { author: "Bob", score: expect.any(Number) },
  ],
  "score-text.yaml": { author: "Ada", score: 100 },
  "ask-before-keeping.yaml": { decision: "kept", by: "Ada", thoughtId: expect.any(String) },
  "count-orders.yaml": { orders: 2, total: 42 },
  "tidy-file.yaml": { message: "It is tidy already." },
  "triage-log.yaml": {
    levels: expect.objectContaining({ error: 1 }),
    explanation: expect.any(String),
    thoughtId: expect.any(String),
  },
};

test("every sample is tested here, and a new workspace has approved none of them", async () => {
  expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(OUTPUTS).sort());
  const { out } = await workspace.type("logomesh workflow list --json");
  const { items } = JSON.parse(out) as { items: { name: string }[] };
  expect(items.map(({ name }) => name)).toEqual(["reading-digest"]);
});

test.each(Object.keys(OUTPUTS).filter((file) => file !== "check-site.yaml"))(
  "%s runs as its comment says",
  async (file) => {
    const { start, then } = linesOf(file);
    const started = await json(start);
    for (const line of then) await json(line.replace("<run>", started.id));
    const run = then.length === 0 ? started : await json(`logomesh runs watch ${started.id}`);
    expect(run.output).toEqual(OUTPUTS[file]);
  },
);

test("check-site.yaml tells a site that answers from one that does not", async () => {
  const server = createServer((request, response) => response.writeHead(request.url === "/" ? 200 : 500).end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const outputs: unknown[] = [];
  for (const path of ["/", "/broken"]) {
    const source = readFileSync(join(FOLDER, "check-site.yaml"), "utf8");
    writeFileSync(
      join(workspace.root, "site.yaml"),
      source.replace("https://example.com/", `http://127.0.0.1:${port}${path}`),
    );
    const { out } = await workspace.type("logomesh run site.yaml --json");
    outputs.push((JSON.parse(out) as { output: unknown }).output);
  }
  server.close();
  expect(outputs).toEqual([
    { up: true, status: 200 },
    { up: false, status: 500, why: expect.stringContaining("answered 500") },
  ]);
});
