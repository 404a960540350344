import { definePlugin, s } from "@logomesh/plugin-sdk";
import { greet } from "./greet.ts";

const plugin = definePlugin({ name: "hello", version: "0.1.0" });

plugin.tool("greet", {
  description: "Greets a person.",
  effect: "pure",
  input: s.object({ name: s.string({ minLength: 1 }), greeting: s.string().default("Hello") }),
  output: s.object({ text: s.string() }),
  handler: ({ name, greeting }) => ({ text: greet(name, greeting) }),
});

await plugin.serve();
