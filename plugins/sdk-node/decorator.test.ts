import { expect, test } from "vitest";
import { definePlugin } from "./plugin.ts";

test("what declares no tool, or one twice, is refused", () => {
  const plugin = definePlugin({ name: "p", version: "1.0.0" });
  expect(() => plugin.addTools({})).toThrow("No method of this object is declared with @tool()");
  plugin.tool("greet", { description: "Greets.", effect: "pure", handler: () => ({}) });
  expect(() => plugin.tool("greet", { description: "Again.", effect: "pure", handler: () => ({}) })).toThrow("twice");
});
