import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fixtureServer, writePlugin } from "../plugins/testing.ts";
import { createTempFolder, silentLogger as logger } from "../testing/index.ts";
import { createWorkbench, initWorkspace, loadConfig } from "./index.ts";

// A plugin with a connection of its own in a whole workbench: sandbox, bridge, policy, grants, log and lockdown are the real ones.

const ID = "org.example.connected";
const SERVER = fixtureServer({
  tools: `[{ name: "open", inputSchema: { type: "object" } }]`,
  preamble: `import http from "node:http";`,
  body: `
  return new Promise((resolve) => {
    http.request({ port: 3128, host: "127.0.0.1", method: "CONNECT", path: args.host, agent: new http.Agent() })
      .on("connect", (response, socket) => { socket.on("error", () => {}); resolve(text(String(response.statusCode))); }).end();
  });`,
});

test("[PL142] [PL146] a host near by is denied with the rule that names it, reached when no rule does, and left with a lockdown", async () => {
  using folder = createTempFolder();
  const root = join(folder.path, "w");
  const environment = { XDG_STATE_HOME: join(folder.path, "state") };
  const { paths } = await initWorkspace({ root, environment, logger });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const permissions = { "net.fetch": [{ host, methods: ["*"], via: "proxy", why: "for the test" }] };
  writePlugin(join(paths.plugins, "connected"), { manifest: { id: ID, permissions }, files: { "index.mjs": SERVER } });
  const config = loadConfig({ file: paths.config, environment: { OLLAMA_HOST: "127.0.0.1:9", LOGOMESH_PORT: "0" } });
  await using workbench = await createWorkbench({ root, config, logger, environment });
  const caller = workbench.access.authenticate(readFileSync(paths.token, "utf8").trim())!.caller;
  await workbench.plugins.grant(ID, { sha256: workbench.plugins.get(ID).sha256, caller });
  const open = async (place = host): Promise<unknown> => {
    const { signal } = new AbortController();
    const params = { arguments: { host: place } };
    const { content } = await workbench.plugins.call({ pluginId: ID, tool: "open" }, params, { caller, signal });
    return content[0]?.text;
  };
  const denials = async () =>
    (await workbench.audit.query({ kind: "policy.denied", limit: 10 })).items.map(({ data }) => data);

  expect(await open()).toBe("403");
  await expect.poll(denials).toEqual([expect.objectContaining({ policies: ["no-local-network-for-plugins"] })]);
  writeFileSync(paths.constitution, "");
  expect(await open("127.0.0.1:1")).toBe("403");
  expect(sockets.size).toBe(0);
  expect(await open()).toBe("200");
  await expect.poll(() => sockets.size).toBe(1);
  await workbench.lockdown.on({ reason: "A drill." }, caller);
  await expect.poll(() => sockets.size).toBe(0);
  server.close();
});
