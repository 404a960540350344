import { expect, test } from "vitest";
import { THOUGHT } from "../../testing/fixtures.ts";
import { FakeWorkbench } from "../../testing/fakeWorkbench.ts";
import type { ToolContext } from "./clientTool.ts";
import { pluginToolNames } from "./pluginTools.ts";
import { THOUGHT_TOOLS } from "./thoughtTools.ts";

test("[MC5] tools whose plain names meet or are too long have names of their own, whatever else the token names", () => {
  const ids = ["a.b#c", "a_b#c", `a#${"x".repeat(80)}`, "a#y"];
  const names = [...pluginToolNames([...ids, "a#y"])];
  expect(names.map(([, { pluginId, tool }]) => `${pluginId}#${tool}`)).toEqual([...ids].sort());
  for (const [name] of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  expect(new Set(names.map(([name]) => name)).size).toBe(4);
  expect([...pluginToolNames(ids).keys()]).toEqual([...pluginToolNames([...ids].reverse()).keys()]);
  expect(() => pluginToolNames(["#c"])).toThrow("#c");
});

test("[MC11] a long thought is read in parts, and what is cut says so", async () => {
  const workbench = new FakeWorkbench();
  const segments = Array.from({ length: 10 }, (_, sortOrder) => ({
    ...{ id: `s${sortOrder}`, thoughtId: "t", content: sortOrder === 0 ? "x".repeat(40_000) : "short" },
    ...{ contentType: "text" as const, fields: {}, sortOrder, ...(sortOrder === 1 ? { title: "One" } : {}) },
  }));
  workbench.thoughts.get = async () => ({ ...THOUGHT, body: "b".repeat(70_000), segments });
  const caller = { actor: { type: "client", id: "c" }, principal: { type: "Client", id: "c" }, scopes: [] } as const;
  const context: ToolContext = {
    workbench,
    caller,
    signal: new AbortController().signal,
    report: () => undefined,
    forward: undefined,
  };
  const [, get] = THOUGHT_TOOLS;
  const first = await get!.run({ id: "t" }, context);
  expect(first).toMatchObject({ isBodyCut: true, segmentCount: 10, nextSegment: 8 });
  expect(first.body).toHaveLength(65_536);
  expect(first.segments).toMatchObject([{ isCut: true }, { title: "One", isCut: false }, {}, {}, {}, {}, {}, {}]);
  const rest = await get!.run({ id: "t", fromSegment: 8 }, context);
  expect([rest.body, rest.nextSegment, (rest.segments as unknown[]).length]).toEqual([undefined, null, 2]);
});
