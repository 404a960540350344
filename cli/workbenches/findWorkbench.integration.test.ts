import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createTempFolder } from "@logomesh/core/testing";
import { expect, test } from "vitest";
import { findWorkbench } from "./findWorkbench.ts";

const STATUS = {
  ...{ version: "0.1.0", startedAt: "2026-01-01T00:00:00.000Z", memoryBytes: 1 },
  sandbox: { available: true, detail: "" },
  audit: { entries: 1, entriesSinceOutside: 0, verified: "ok" },
  model: { provider: "mock", model: "mock", simulated: true },
};

/** A workspace and something that listens and answers as the workbench of `workspace`, noting the tokens it was sent. */
async function createPlace({ workspace, address = "127.0.0.1" }: { workspace?: string; address?: string } = {}) {
  const folder = createTempFolder();
  const root = join(folder.path, "w");
  mkdirSync(join(root, ".logomesh"), { recursive: true });
  writeFileSync(join(root, "logomesh.yaml"), "");
  writeFileSync(join(root, ".logomesh/token"), "t0p\n");
  const tokens: (string | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    tokens.push(request.headers.authorization);
    response
      .setHeader("content-type", "application/json")
      .end(JSON.stringify({ ...STATUS, workspace: workspace ?? root }));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ folder, root, port, tokens },
    say: (file: unknown) => writeFileSync(join(root, ".logomesh/server.json"), JSON.stringify(file)),
    find: (at = root) => findWorkbench({ env: {}, root: at }),
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      folder[Symbol.dispose]();
    },
  };
}

test("a workbench is found by its file and asked with the workspace's token", async () => {
  await using place = await createPlace();
  place.say({ host: "127.0.0.1", port: place.port, pid: process.pid });
  const found = await place.find();
  expect(found?.url).toBe(`http://127.0.0.1:${place.port}`);
  expect(place.tokens).toEqual(["Bearer t0p"]);
  // Also by another path to the same folder.
  const link = join(place.folder.path, "link");
  symlinkSync(place.root, link);
  expect(await place.find(link)).toBeDefined();
});

const PID = process.pid;

test.each<[unknown]>([
  ...[[undefined], [null], [{}], [{ host: "127.0.0.1", port: "1", pid: 1 }]],
  ...[[{ port: 1, pid: PID }], [{ host: "u@evil.example", port: 1, pid: PID }], [{ host: "", port: 1, pid: PID }]],
] as [unknown][])("a file that says %j says nothing", async (file) => {
  await using place = await createPlace();
  if (file !== undefined) place.say(file);
  expect(await place.find()).toBeUndefined();
  expect(place.tokens).toEqual([]);
});

test("the token is not sent to whoever listens on the port of a workbench that was killed", async () => {
  await using place = await createPlace();
  // Above the largest process id that Linux gives.
  place.say({ host: "127.0.0.1", port: place.port, pid: 2 ** 22 + 1 });
  expect(await place.find()).toBeUndefined();
  expect(place.tokens).toEqual([]);
});

test("the workbench of another workspace, which a copied file names, is not this one's", async () => {
  using elsewhere = createTempFolder();
  await using place = await createPlace({ workspace: elsewhere.path });
  place.say({ host: "127.0.0.1", port: place.port, pid: process.pid });
  expect(await place.find()).toBeUndefined();
});

test("a workbench on another address of loopback is found by what its file says", async () => {
  await using place = await createPlace({ address: "127.0.0.2" });
  place.say({ host: "127.0.0.2", port: place.port, pid: process.pid });
  expect((await place.find())?.url).toBe(`http://127.0.0.2:${place.port}`);
});

test("nobody listening is nobody, on any kind of address", async () => {
  await using place = await createPlace();
  for (const host of ["127.0.0.1", "::1", "localhost"]) {
    place.say({ host, port: 9, pid: process.pid });
    expect(await place.find()).toBeUndefined();
  }
});

test("a folder that is no workspace is refused", async () => {
  using folder = createTempFolder();
  await expect(findWorkbench({ env: {}, root: folder.path })).rejects.toMatchObject({ code: "LM_WORKSPACE_INVALID" });
});
