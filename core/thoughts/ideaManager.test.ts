import { CreateThoughtParamsSchema, type CreateThoughtParams } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createIdSource } from "../base/index.ts";
import { createMemoryDatabase, type CreateWriterModule } from "../db/index.ts";
import type { AuditEntryDraft, AuditLog } from "../ports/index.ts";
import { createSeededRandom, FakeClock } from "../testing/index.ts";
import { createThoughtWriterModule, IdeaManager } from "./index.ts";

/** Stands in for the log's write half: remembers what was committed with the change, or refuses. */
function createRecorder(): { module: CreateWriterModule; log: AuditLog; entries: AuditEntryDraft[]; refuse: boolean } {
  const recorder = { entries: [] as AuditEntryDraft[], refuse: false };
  return Object.assign(recorder, {
    module: () => ({
      name: "audit",
      commands: {
        "audit.append": (_context: unknown, draft: AuditEntryDraft) => {
          if (recorder.refuse) throw new Error("refused");
          recorder.entries.push(draft);
        },
      },
    }),
    log: {
      command: (draft) => ({ name: "audit.append", params: draft }),
      append: () => Promise.resolve({ seq: 0 }),
      enqueue: () => undefined,
    } satisfies AuditLog,
  });
}

function setUp() {
  const clock = new FakeClock();
  const random = createSeededRandom(7);
  const recorder = createRecorder();
  const database = createMemoryDatabase({ modules: [createThoughtWriterModule, recorder.module], clock, random });
  const ids = createIdSource({ clock, random });
  const ideas = new IdeaManager({ ...database, audit: recorder.log, clock, ids });
  return { ideas, clock, recorder, ...database };
}

const caller = { actor: { type: "person", id: "p1" } } as const;

function paramsOf(input: unknown): CreateThoughtParams {
  return CreateThoughtParamsSchema.parse(input);
}

const FULL = paramsOf({
  title: "Digest",
  body: "About rivers",
  tags: ["b", "a"],
  color: "teal",
  position: { x: 1.5, y: -2 },
  segments: [{ title: "One", content: "# x", contentType: "markdown", fields: { n: 1.5 } }, { content: "two" }],
});

test("[TH1] [TH2] a created thought is read as it was answered, and its entry commits with it", async () => {
  const { ideas, recorder } = setUp();
  const created = await ideas.create(FULL, caller);
  expect(created).toMatchObject({ title: "Digest", tags: ["b", "a"], simulated: false });
  expect(await ideas.get(created.id)).toEqual(created);
  expect(recorder.entries).toEqual([
    { kind: "thought.created", actor: caller.actor, data: { thought: created.id, segments: 2 } },
  ]);
});

test("[TH1] nothing of a thought is stored when its entry cannot be", async () => {
  const { ideas, recorder, reader } = setUp();
  recorder.refuse = true;
  await expect(ideas.create(FULL, caller)).rejects.toThrow("refused");
  expect(reader.get("SELECT (SELECT count(*) FROM thought) + (SELECT count(*) FROM segment) AS n")?.n).toBe(0);
});

test("[TH3] [TH4] a repeated step gives the same thought and stores it once", async () => {
  const { ideas, clock, reader, writer } = setUp();
  const origin = { key: "run_1/do/3/1", runId: "run_1", simulated: true };
  const first = ideas.prepareCreate(FULL, origin);
  await clock.advance(1000);
  const second = ideas.prepareCreate(FULL, origin);
  expect(second.thought.segments.map(({ id }) => id)).toEqual(first.thought.segments.map(({ id }) => id));
  expect(await writer.run([first.write])).toEqual([{ created: true }]);
  expect(await writer.run([second.write])).toEqual([{ created: false }]);
  expect(await ideas.get(second.thought.id)).toEqual(first.thought);
  expect(reader.all("SELECT count(*) AS n FROM segment").map(({ n }) => n)).toEqual([2]);
  expect(ideas.prepareCreate(FULL, { ...origin, key: "other" }).thought.id).not.toBe(first.thought.id);
});

test("[TH4] other content under the same id is refused", async () => {
  const { ideas, writer } = setUp();
  const origin = { key: "k", simulated: false };
  await writer.run([ideas.prepareCreate(FULL, origin).write]);
  const other = ideas.prepareCreate({ ...FULL, title: "Another" }, origin);
  await expect(writer.run([other.write])).rejects.toMatchObject({ code: "LM_CONFLICT" });
});

test("[TH5] pages go from new to old and neither repeat nor skip while thoughts are added", async () => {
  const { ideas, clock } = setUp();
  const titles: string[] = [];
  for (let index = 0; index < 7; index++) {
    titles.push((await ideas.create(paramsOf({ title: `t${index}`, tags: index % 2 ? ["odd"] : [] }), caller)).title);
    if (index % 3 === 0) await clock.advance(5);
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await ideas.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.items.map(({ title }) => title));
    await ideas.create(paramsOf({ title: "later" }), caller);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(titles.toReversed());
  const odd = await ideas.list({ limit: 10, tag: "odd" });
  expect(odd.items.map(({ title }) => title)).toEqual(["t5", "t3", "t1"]);
  expect(odd.nextCursor).toBeNull();
});

test("[TH6] what does not exist and what no page gave is refused", async () => {
  const { ideas } = setUp();
  await expect(ideas.get("tht_no")).rejects.toMatchObject({ code: "LM_THOUGHT_NOT_FOUND" });
  await expect(ideas.list({ limit: 3, cursor: "1' OR 1" })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
});

test("[TH7] repeated tags are kept once", async () => {
  const { ideas } = setUp();
  const { id } = await ideas.create(paramsOf({ title: "t", tags: ["x", "a", "x"] }), caller);
  expect((await ideas.get(id)).tags).toEqual(["x", "a"]);
});

test("[TH8] text with half a surrogate pair is stored with a replacement character", async () => {
  const { ideas } = setUp();
  const created = await ideas.create(
    paramsOf({ title: "a\ud800b", segments: [{ content: "\udc00", fields: { "\ud800": 1 } }] }),
    caller,
  );
  expect(created.title).toBe("a\ufffdb");
  expect(await ideas.get(created.id)).toEqual(created);
});

test("[TH9] a search finds what has every word, newest first, and takes no character for a pattern", async () => {
  const { ideas, clock } = setUp();
  for (const input of [
    { title: "Rivers of 100% water", tags: ["a"] },
    { title: "Lakes", body: "Water stands still" },
    { title: "Sea", segments: [{ content: "salt WATER, a_b and c\\d" }], tags: ["a"] },
  ]) {
    await ideas.create(paramsOf(input), { ...caller, runId: "run_1" });
    await clock.advance(1_000);
  }
  const find = async (text: string, more: { tag?: string; limit?: number } = {}) =>
    (await ideas.search({ text, limit: 10, ...more })).map(({ title }) => title);
  expect(await find("water")).toEqual(["Sea", "Lakes", "Rivers of 100% water"]);
  expect(await find("water stands")).toEqual(["Lakes"]);
  expect(await find("water stands sea")).toEqual([]);
  expect(await find("", { limit: 2 })).toEqual(["Sea", "Lakes"]);
  expect(await find("water", { tag: "a" })).toEqual(["Sea", "Rivers of 100% water"]);
  expect([await find("%"), await find("a_b"), await find("c\\d"), await find("s%a"), await find("aXb")]).toEqual([
    ["Rivers of 100% water"],
    ["Sea"],
    ["Sea"],
    [],
    [],
  ]);
  expect((await ideas.search({ text: "sea", limit: 1 }))[0]?.runId).toBe("run_1");
});
