import type { JsonObject, JsonValue, PluginTool } from "@logomesh/contracts";
import { describe, expect, test } from "vitest";
import { playInstance } from "./testing/playedInstance.ts";

const NEVER = new AbortController().signal;
const DISCOVERED = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } };

const RIGHT: JsonObject[] = [
  { type: "text", text: "<script>alert(1)</script>\u001b[2J", annotations: { audience: ["user"] } },
  { type: "image", data: "AAAA", mimeType: "image/png" },
  { type: "audio", data: "AAAA", mimeType: "audio/wav" },
  { type: "resource_link", uri: "file:///etc/passwd", name: "users", mimeType: "text/plain" },
  { type: "resource", resource: { uri: "http://169.254.169.254/", mimeType: "text/plain", text: "x" } },
  { type: "resource", resource: { uri: "test://blob", blob: "AAAA" } },
];
const WRONG: JsonValue[] = [
  ...[null, 7, "text", [], {}, { type: 7 }, { type: "__proto__" }, { type: "tool_use", name: "x" }],
  ...[{ type: "text" }, { type: "text", text: { toString: "x" } }, { type: "image", data: "AAAA" }],
  ...[
    { type: "audio", mimeType: "audio/wav", data: [1] },
    { type: "resource_link", uri: "file:///etc/passwd" },
  ],
  ...[
    { type: "resource" },
    { type: "resource", resource: { uri: "x" } },
    { type: "resource", resource: { text: "x" } },
  ],
];

async function open(era: "legacy" | "modern") {
  const played = playInstance({ era });
  const opened = played.instance.open();
  if (era === "legacy") await played.say({ id: 1, result: { protocolVersion: "2025-11-25" } });
  else await played.say({ id: 1, result: DISCOVERED });
  await played.say({ id: 2, result: { tools: [] } });
  await opened;
  const answer = async (result: JsonObject, tool: Partial<PluginTool> = {}) => {
    const call = played.instance.call(
      { name: "t", effect: "pure", ...tool },
      {},
      { signal: NEVER, timeoutMs: 60_000, meta: {}, callers: [], isTainted: false },
    );
    call.catch(() => undefined);
    await played.clock.advance(0);
    await played.say({ id: played.asked("tools/call").at(-1), result });
    return call;
  };
  return { ...played, answer };
}

describe.each(["legacy", "modern"] as const)("in the %s era", (era) => {
  test("[PL117] the five kinds of content are passed on as they came, and what is none of them is left out", async () => {
    const { answer, instance } = await open(era);
    const mixed = RIGHT.flatMap((block, index) => [block, ...WRONG.slice(index * 3, index * 3 + 3)]);
    expect((await answer({ content: mixed })).content).toEqual(RIGHT);
    expect((await answer({ content: WRONG })).content).toEqual([]);
    for (const content of [null, "text", { 0: RIGHT[0] }, undefined])
      expect((await answer(content === undefined ? {} : { content: content as JsonValue })).content).toEqual([]);
    expect(instance.violations).toBe(0);
  });

  test.each<[string, JsonValue, JsonObject]>([
    ["an object", { sum: 3 }, { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] }],
    ["a list", [1, 2], { type: "array", items: { type: "number" } }],
    ["a text", "three", { enum: ["three"] }],
    ["nothing", null, { type: "null" }],
  ])("[PL14, PL117] structured content that is %s is held against the schema", async (_what, value, outputSchema) => {
    const { answer } = await open(era);
    expect((await answer({ content: [], structuredContent: value }, { outputSchema })).structuredContent).toEqual(
      value,
    );
    const wrong = value === null ? 1 : null;
    await expect(answer({ content: [], structuredContent: wrong }, { outputSchema })).rejects.toMatchObject({
      code: "LM_PLUGIN_OUTPUT_INVALID",
    });
    await expect(answer({ content: [] }, { outputSchema })).rejects.toMatchObject({
      code: "LM_PLUGIN_OUTPUT_INVALID",
      message: expect.stringContaining("gave no structured content"),
    });
    // An error of the tool need not fit.
    expect(await answer({ content: [], isError: true }, { outputSchema })).toMatchObject({ isError: true });
  });

  test("[PL14] keys like __proto__ are data, in content and in what is structured", async () => {
    const { process, call, asked, clock } = await open(era);
    const result = call();
    await clock.advance(0);
    const id = asked("tools/call").at(-1);
    process.stdout.write(
      `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"x","__proto__":{"type":"evil"}}],"structuredContent":{"__proto__":{"polluted":true}}}}\n`,
    );
    await clock.advance(0);
    expect(JSON.stringify((await result).structuredContent)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
  });

  test("[PL13] tools are listed page by page, and hostile pages end the start", async () => {
    const list = async (...pages: JsonObject[]) => {
      const played = playInstance({ era });
      const opened = played.instance.open();
      opened.catch(() => undefined);
      if (era === "legacy") await played.say({ id: 1, result: { protocolVersion: "2025-11-25" } });
      else await played.say({ id: 1, result: DISCOVERED });
      for (const [index, result] of pages.entries()) await played.say({ id: index + 2, result });
      return { opened, ...played };
    };
    const pages = [{ tools: [{ name: "a" }], nextCursor: "2" }, { tools: [{ name: "b" }] }];
    const { opened, instance, process } = await list(...pages);
    await opened;
    expect(instance.tools.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(
      process.messages().flatMap(({ method, params }) => (method === "tools/list" ? [params.cursor] : [])),
    ).toEqual([undefined, "2"]);
    const circle = await list(...[1, 2].map((n) => ({ tools: [{ name: `t${n}` }], nextCursor: "same" })));
    await expect(circle.opened).rejects.toMatchObject({ message: expect.stringContaining("in a circle") });
    const twice = await list({ tools: [{ name: "a" }], nextCursor: "2" }, { tools: [{ name: "a" }] });
    await expect(twice.opened).rejects.toMatchObject({ message: expect.stringContaining("the tool a twice") });
  });
});
