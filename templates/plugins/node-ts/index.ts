import { definePlugin, s } from "@logomesh/plugin-sdk";
import { greet } from "./greet.ts";

export const plugin = definePlugin({ name: "hello", version: "0.1.0" });

plugin.tool("greet", {
  description: "Greets a person, and remembers how often.",
  effect: "once",
  input: s.object({ name: s.string({ minLength: 1 }), greeting: s.string().default("Hello") }),
  output: s.object({ text: s.string(), times: s.integer() }),
  handler: ({ name, greeting }, { host }) => greet(host, name, greeting),
});

await plugin.serve();
