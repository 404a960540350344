import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Readable, Writable } from "node:stream";
import { ResourceLimitsSchema } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { gateCommand, type GateInput } from "./gate.ts";
import { FD } from "./launcher.ts";

const limits = ResourceLimitsSchema.parse({});

/** The gate before a program that says that it ran. `go`: what the host sends; nothing is what is heard of a host that is gone. */
async function pass(
  input: Partial<GateInput>,
  go: string,
): Promise<{ code: number | null; said: string; told: string }> {
  const [command = "", ...args] = gateCommand({ runtime: "shell", limits, isOutside: true, ...input });
  const descriptors = Array.from({ length: FD.bridge + 1 }, () => "pipe" as const);
  const child = spawn(command, [...args, "/usr/bin/echo", "plugin runs"], { stdio: descriptors, env: {} });
  const gate = (child.stdio as unknown[])[FD.gate] as Writable & Readable;
  const told = text(gate);
  gate.end(go);
  const said = text(child.stdout);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, said: await said, told: await told };
}

test("[SB15] the plugin's first instruction comes after the host's word, and the host hears before that the sandbox stands", async () => {
  expect(await pass({}, "x")).toEqual({ code: 0, said: "plugin runs\n", told: "ready\n" });
});

test("[SB15] nothing of the plugin runs when the host is gone before it gives its word", async () => {
  expect(await pass({}, "")).toEqual({ code: 125, said: "", told: "ready\n" });
});

test("[SB12] nothing of the plugin runs when a limit cannot be set", async () => {
  const unheard = { ...limits, max_open_files: Number.NaN };
  expect(await pass({ limits: unheard }, "x")).toMatchObject({ code: 125, said: "" });
});

test("[SB52] nothing of the plugin runs when its bridge is not there first", async () => {
  expect(await pass({ bridge: ["/usr/bin/true"] }, "x")).toMatchObject({ code: 125, said: "" });
  expect(await pass({ bridge: ["/usr/bin/echo", "ready"] }, "x")).toMatchObject({ code: 0, said: "plugin runs\n" });
});
