import type { Host } from "@logomesh/plugin-sdk";

/** The greeting, and how often this person was greeted, this time included. */
export async function greet(host: Host, name: string, greeting: string): Promise<{ text: string; times: number }> {
  const before = await host.store.get(name);
  const times = typeof before === "number" ? before + 1 : 1;
  await host.store.put(name, times);
  return { text: `${greeting}, ${name}!`, times };
}
