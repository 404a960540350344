import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SecurityLevel } from "@logomesh/contracts";
import { fixtureServer, UnconfinedSandbox } from "./testing.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";
const FILES = {
  "index.mjs": fixtureServer({
    tools: `[{ name: "echo", inputSchema: { type: "object" } }]`,
    body: `return text("here");`,
  }),
};
const NO_SANDBOX = { available: false, kind: "none", hint: "apt-get install bubblewrap" } as const;

/** A host that could run things outside, unless `obstacle` says why not. */
async function open(
  level: SecurityLevel,
  { obstacle, isDevelopment = false }: { obstacle?: string; isDevelopment?: boolean } = {},
) {
  const host = new TestHost();
  const processes = new UnconfinedSandbox();
  host.outside = { obstacle: () => obstacle, launch: (spec) => processes.launch(spec) };
  host.isDevelopment = isDevelopment;
  const folder = host.write("fixture", { files: FILES, manifest: { security_level: level } });
  await host.open({ grant: false });
  const grant = (rest: { outsideSandbox?: true } = {}) =>
    host.host.grant(ID, { sha256: host.host.get(ID).sha256, caller: CALLER, ...rest });
  return {
    ...{ host, folder, grant },
    /** How many processes there were in the sandbox, and outside. */
    started: () => [host.sandbox.processes.length, processes.processes.length],
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await processes[Symbol.asyncDispose]();
    },
  };
}

const refused = (message: RegExp, code = "LM_PLUGIN_SECURITY_LEVEL") => ({
  code,
  message: expect.stringMatching(message),
});

test("[PL31, PL130] a trusted plugin runs outside with a grant that says so, and not before", async () => {
  await using given = await open("trusted");
  const { host, grant, started } = given;
  const way = /all that you can.*plugin grant org\.example\.fixture --outside-sandbox/;
  await expect(host.call("echo")).rejects.toMatchObject(refused(way));
  await expect(grant()).rejects.toMatchObject(refused(way));
  expect(host.host.get(ID)).toMatchObject({
    ...{ granted: false, sandboxed: false, outside: { reason: "trusted", granted: false } },
  });
  expect(await grant({ outsideSandbox: true })).toMatchObject({ outside: { reason: "trusted", granted: true } });
  expect(host.host.grantOf(ID)).toMatchObject({ outsideSandbox: true, isCurrent: true });
  expect((await host.call("echo")).content).toEqual([{ type: "text", text: "here" }]);
  expect(started()).toEqual([0, 1]);
});

test("[PL132] a start outside is said in the log, and what it answers is tainted", async () => {
  await using given = await open("trusted");
  const { host, grant } = given;
  await grant({ outsideSandbox: true });
  let taints = 0;
  await host.host.callTool(
    { pluginId: ID, tool: "echo", arguments: {}, caller: CALLER.principal },
    { signal: new AbortController().signal, onTaint: () => (taints += 1) },
  );
  expect(taints).toBe(1);
  const begun = host.audit.entries.filter(({ kind }) => kind === "plugin.started");
  expect(begun).toMatchObject([{ data: { outsideSandbox: "trusted" } }]);
});

test("[PL131] a dev-only plugin runs with --dev alone, whatever was granted", async () => {
  await using plain = await open("dev-only");
  await expect(plain.grant({ outsideSandbox: true })).rejects.toMatchObject(refused(/started with --dev/));
  const { sha256 } = plain.host.host.get(ID);
  await plain.host.grants.grantPlugin({
    ...{ pluginId: ID, sha256, group: "user", permissions: {}, grantedBy: "person:x", outsideSandbox: true },
  });
  await expect(plain.host.call("echo")).rejects.toMatchObject(refused(/started with --dev/));
  expect(plain.started()).toEqual([0, 0]);

  await using developing = await open("dev-only", { isDevelopment: true });
  await expect(developing.grant()).rejects.toMatchObject(refused(/--outside-sandbox/));
  await developing.grant({ outsideSandbox: true });
  await developing.host.call("echo");
  expect(developing.started()).toEqual([0, 1]);
});

test("[PL131] where nothing may run outside, no grant changes that", async () => {
  await using given = await open("trusted", { obstacle: "Nothing runs as root." });
  await expect(given.grant({ outsideSandbox: true })).rejects.toMatchObject(refused(/Nothing runs as root\.$/));
  expect(given.host.host.get(ID).outside).toEqual({
    reason: "trusted",
    granted: false,
    refusal: "Nothing runs as root.",
  });
  expect(given.started()).toEqual([0, 0]);
});

test("[PL131] where a sandbox works, a sandboxed plugin is not let out, and runs in it also when it was", async () => {
  await using given = await open("sandbox");
  const { host, grant, started } = given;
  await expect(grant({ outsideSandbox: true })).rejects.toMatchObject(
    refused(/in the sandbox here/, "LM_INPUT_INVALID"),
  );
  host.sandbox.current = NO_SANDBOX;
  await grant({ outsideSandbox: true });
  host.sandbox.current = { available: true, kind: "bubblewrap" };
  await host.call("echo");
  expect(started()).toEqual([1, 0]);
  expect(host.host.get(ID)).toMatchObject({ sandboxed: true });
  expect(host.host.get(ID)).not.toHaveProperty("outside");
});

test("[PL31, PL130] without a sandbox a sandboxed plugin runs only when it is let out", async () => {
  await using given = await open("sandbox");
  const { host, grant, started } = given;
  host.sandbox.current = NO_SANDBOX;
  await grant();
  await expect(host.call("echo")).rejects.toMatchObject(
    refused(/apt-get install bubblewrap.*--outside-sandbox/, "LM_PLUGIN_SANDBOX_UNAVAILABLE"),
  );
  expect(started()).toEqual([0, 0]);
  await grant({ outsideSandbox: true });
  expect(host.host.get(ID).outside).toEqual({ reason: "no-sandbox", granted: true });
  await host.call("echo");
  expect(started()).toEqual([0, 1]);
});

test("[PL133] another content has to be let out again", async () => {
  await using given = await open("trusted");
  const { host, folder, grant, started } = given;
  await grant({ outsideSandbox: true });
  writeFileSync(join(folder, "more.txt"), "another content");
  const { waiting } = await host.host.reload(ID, CALLER);
  expect(waiting).toMatchObject({ sandboxed: false, outside: { reason: "trusted", granted: false } });
  await expect(host.host.grant(ID, { sha256: waiting?.sha256 ?? "", caller: CALLER })).rejects.toMatchObject(
    refused(/--outside-sandbox/),
  );
  expect(started()).toEqual([0, 0]);
});

test("[PL133] in development a grant does not carry over to another security level", async () => {
  await using given = await open("sandbox");
  const { host, folder, grant, started } = given;
  host.sandbox.current = NO_SANDBOX;
  await host.host.serveDevelopment(folder, CALLER);
  await grant({ outsideSandbox: true });
  const manifest = {
    ...{ id: ID, name: "F", version: "1.0.0", description: "d", runtime: "nodejs" },
    entry_point: "index.mjs",
  };
  const save = (level: SecurityLevel) =>
    writeFileSync(join(folder, "plugin.json"), JSON.stringify({ ...manifest, security_level: level }));
  save("sandbox");
  expect(await host.host.serveDevelopment(folder, CALLER)).toMatchObject({ granted: true, outside: { granted: true } });
  save("trusted");
  await host.host.serveDevelopment(folder, CALLER);
  expect(host.host.get(ID).outside).toEqual({ reason: "trusted", granted: false });
  await expect(host.call("echo")).rejects.toMatchObject(refused(/“trusted”/));
  expect(started()).toEqual([0, 0]);
});
