import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type Plugin } from "@logomesh/contracts";
import { createTempFolder } from "@logomesh/core/testing";
import { expect, test } from "vitest";
import { newLines } from "../output/followLogs.ts";
import { runCli, running } from "../testing/runCli.ts";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";

const PLUGIN: Plugin = {
  ...{ id: "org.example.words", name: "Words", version: "1.0.0", description: "Counts.", runtime: "nodejs" },
  ...{ securityLevel: "sandbox", sha256: "cd".repeat(32), state: "ready", sandboxed: true, development: true },
  ...{ group: "user", granted: true, tools: [], permissions: {}, enabled: true, command: ["node", "index.ts"] },
  ...{ dependencies: {}, activation: ["onTool"] },
  limits: {
    ...{ memory_mb: 256, cpu_percent: 100, max_processes: 32, max_open_files: 256, tmp_mb: 64 },
    ...{ start_timeout_ms: 10_000, call_timeout_ms: 30_000, max_message_bytes: 1_048_576 },
  },
  usage: { memoryBytes: 0, cpuPercent: 0, processes: 1, calls: 0, errors: 0, violations: 0 },
};

test("a folder is served, again after each save, with its log; a fault is shown, and Ctrl-C ends it", async () => {
  using folder = createTempFolder();
  const stop = new AbortController();
  let served = 0;
  const workbench = createStubWorkbench({
    serveDevelopmentPlugin: () => {
      served += 1;
      if (served === 2) throw new LogoMeshError("LM_PLUGIN_START_FAILED", "It did not start: SyntaxError\u001b[2J");
      return { ...PLUGIN, granted: served > 1, state: "blocked" };
    },
    grantPlugin: () => PLUGIN,
    loadPlugin: () => PLUGIN,
    getPluginLogs: () => ({ lines: Array.from({ length: served }, (_, index) => `line ${index + 1}\u0007`) }),
    endPluginDevelopment: () => ({ ok: true }),
  });
  const save = (): void => writeFileSync(join(folder.path, "index.ts"), String(served));
  const { code, out, err } = await runCli(["plugin", "dev", folder.path, "--grant"], {
    ...{ workbenches: running(workbench), signal: stop.signal },
    onOut: (text) => {
      if (text.endsWith("│ line 1␇\n")) save();
      if (text.endsWith("│ line 2␇\n")) save();
      if (text.endsWith("│ line 3␇\n")) stop.abort();
    },
  });
  expect(code).toBe(0);
  expect(out).toContain("org.example.words 1.0.0  ready");
  expect(out).toContain("✗ It did not start: SyntaxError␛[2J\n");
  expect(err).toContain("It asks for nothing but its own computing.\n");
  expect(err).toMatch(/cdcdcdcdcdcd… after \d+ ms\n/);
  expect(err).toContain("What was served before serves on");
  expect(workbench.requests.filter((line) => !line.startsWith("GET"))).toEqual([
    `POST /api/plugins/dev {"path":"${folder.path}"}`,
    `PUT /api/plugins/org.example.words/grants {"sha256":"${PLUGIN.sha256}"}`,
    "POST /api/plugins/org.example.words/load",
    `POST /api/plugins/dev {"path":"${folder.path}"}`,
    `POST /api/plugins/dev {"path":"${folder.path}"}`,
    "POST /api/plugins/org.example.words/load",
    "DELETE /api/plugins/org.example.words/dev",
  ]);
});

test("a save that changes what the tools say is granted again when that was asked for, and else said", async () => {
  for (const isGranting of [true, false]) {
    using folder = createTempFolder();
    const stop = new AbortController();
    let isGranted = false;
    const workbench = createStubWorkbench({
      serveDevelopmentPlugin: () => PLUGIN,
      loadPlugin: () => {
        if (isGranted) return PLUGIN;
        throw new LogoMeshError("LM_PLUGIN_NOT_GRANTED", "It describes its tools differently.");
      },
      getPlugin: () => ({ ...PLUGIN, state: "blocked" }),
      grantPlugin: () => ((isGranted = true), PLUGIN),
      getPluginLogs: () => ({ lines: ["a"] }),
      endPluginDevelopment: () => ({ ok: true }),
    });
    const { out, err } = await runCli(["plugin", "dev", folder.path, ...(isGranting ? ["--grant"] : [])], {
      ...{ workbenches: running(workbench), signal: stop.signal },
      onOut: (text) => text.includes("│ a") && stop.abort(),
    });
    expect(isGranted).toBe(isGranting);
    expect(out).toContain(isGranting ? "1.0.0  ready" : "1.0.0  blocked");
    expect(err.includes("or start this with --grant")).toBe(!isGranting);
    expect(out).not.toContain("✗");
  }
});

test("without a grant it says how to give one; as JSON each thing that happens is a line", async () => {
  using folder = createTempFolder();
  const stop = new AbortController();
  const workbench = createStubWorkbench({
    serveDevelopmentPlugin: () => ({ ...PLUGIN, granted: false, state: "blocked" }),
    getPluginLogs: () => ({ lines: ["a"] }),
    endPluginDevelopment: () => ({ ok: true }),
  });
  const { out, err } = await runCli(["plugin", "dev", folder.path, "--json"], {
    ...{ workbenches: running(workbench), signal: stop.signal },
    onOut: (text) => text.includes('"line"') && stop.abort(),
  });
  expect(err).toContain("Grant it: logomesh plugin grant org.example.words, or start this with --grant.");
  const [first, second] = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(first).toMatchObject({ served: { granted: false }, durationMs: expect.any(Number) });
  expect(second).toEqual({ line: "a" });
});

test("a log is followed without repeating or losing lines", async () => {
  expect(newLines([], ["a"])).toEqual(["a"]);
  expect(newLines(["a", "b"], ["a", "b"])).toEqual([]);
  expect(newLines(["a", "b", "c"], ["b", "c", "d"])).toEqual(["d"]);
  expect(newLines(["a", "b"], ["x"])).toEqual(["x"]);
  const stop = new AbortController();
  const listings = [["a"], ["a", "b\u0007"], ["b\u0007", "c"]];
  const workbench = createStubWorkbench({ getPluginLogs: () => ({ lines: listings.shift() ?? [] }) });
  const { out } = await runCli(["plugin", "logs", "org.example.words", "--follow"], {
    ...{ workbenches: running(workbench), signal: stop.signal },
    onOut: (text) => text.endsWith("c\n") && stop.abort(),
  });
  expect(out).toBe("a\nb␇\nc\n");
});
