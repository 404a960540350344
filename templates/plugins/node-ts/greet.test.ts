import assert from "node:assert/strict";
import { test } from "node:test";
import { callTool } from "@logomesh/plugin-sdk/testing";
import { plugin } from "./index.ts";

test("who was greeted twice is greeted a third time", async () => {
  // What the plugin asks of the workbench, and what it is answered. Anything else that it asks fails the test.
  const host = [
    { tool: "store_get", arguments: { key: "Ada" }, result: { value: 2 } },
    { tool: "store_put", arguments: { key: "Ada", value: 3 } },
  ];
  const { structuredContent } = await callTool(plugin, "greet", { name: "Ada" }, { host });
  assert.deepEqual(structuredContent, { text: "Hello, Ada!", times: 3 });
});

test("a greeting needs a name", async () => {
  const { isError } = await callTool(plugin, "greet", { name: "" });
  assert.equal(isError, true);
});
