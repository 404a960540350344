import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { JsonObject } from "@logomesh/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CALLER, SandboxedTestHost, type TestHost } from "./testingHost.ts";

// The reference servers as npm has them, in the real sandbox.

const REPOSITORY = join(import.meta.dirname, "../..");
const why = "for the test";

/** Packages that are listed themselves, and files that only tools for developers and CommonJS programs read: they cost time here. */
const NOT_RUN =
  /\/node_modules\/|\.([cm]?ts|map|cjs)$|\/dist\/cjs\/|\/(sdk\/dist\/esm\/examples|zod\/src|hono\/dist)\//;

/** Folders of a package and of all that it needs, relative to the repository. */
function listPackages(name: string, from = REPOSITORY, found = new Set<string>()): Set<string> {
  let folder = from;
  while (!existsSync(join(folder, "node_modules", name, "package.json")) && folder !== REPOSITORY)
    folder = dirname(folder);
  const path = join(folder, "node_modules", name);
  if (found.has(relative(REPOSITORY, path))) return found;
  found.add(relative(REPOSITORY, path));
  const { dependencies = {} } = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const dependency of Object.keys(dependencies)) listPackages(dependency, path, found);
  return found;
}

function writeServer(host: TestHost, name: string, rest: JsonObject): void {
  const bundle = join(host.pluginsFolder, name);
  for (const path of listPackages(`@modelcontextprotocol/${name}`))
    cpSync(join(REPOSITORY, path), join(bundle, path), {
      recursive: true,
      filter: (source) => !NOT_RUN.test(source.slice(join(REPOSITORY, path).length)),
    });
  const manifest = {
    ...{ id: `io.modelcontextprotocol.${name}`, name, version: "2026.8.31", description: "As npm has it." },
    ...{ runtime: "nodejs", security_level: "sandbox" },
    entry_point: `node_modules/@modelcontextprotocol/${name}/dist/index.js`,
    ...rest,
  };
  writeFileSync(join(bundle, "plugin.json"), JSON.stringify(manifest));
}

let host: SandboxedTestHost;

beforeAll(async () => {
  host = new SandboxedTestHost();
  host.eras = undefined;
  const shared = join(host.root, "shared");
  mkdirSync(shared);
  writeFileSync(join(shared, "note.md"), "the granted note");
  writeFileSync(join(host.root, "secret"), "the host's secret");
  symlinkSync(join(host.root, "secret"), join(shared, "link"));
  writeServer(host, "server-everything", {});
  writeServer(host, "server-filesystem", {
    args: ["/work/shared"],
    permissions: { "fs.mount": [{ path: "shared", why }] },
  });
  writeServer(host, "server-memory", {
    permissions: {
      "fs.data": { max_mb: 1, why },
      env: [{ name: "MEMORY_FILE_PATH", default: "/data/memory.jsonl", why }],
    },
  });
  await host.open();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  host.bubblewrap[Symbol.dispose]();
});

async function call(name: string, tool: string, args: JsonObject = {}): Promise<{ text: string; isError: boolean }> {
  const { content, isError } = await host.call(tool, args, { pluginId: `io.modelcontextprotocol.${name}` });
  return { text: content.map(({ text }) => text).join("\n"), isError };
}

test("[PL103] server-everything runs unmodified", async () => {
  expect(await call("server-everything", "echo", { message: "hello" })).toEqual({
    text: "Echo: hello",
    isError: false,
  });
  expect((await call("server-everything", "get-sum", { a: 2, b: 3 })).text).toContain("5");
  const { structuredContent } = await host.call(
    "get-structured-content",
    { location: "Chicago" },
    { pluginId: "io.modelcontextprotocol.server-everything" },
  );
  expect(structuredContent).toMatchObject({ temperature: expect.any(Number) });
  const { text } = await call("server-everything", "get-env");
  expect(text).not.toContain(REPOSITORY);
  expect(Object.keys(JSON.parse(text) as object)).not.toContain("USER");
});

test("[PL110] asked in the sandbox too, they are of the older era", async () => {
  await call("server-everything", "echo", { message: "hello" });
  await call("server-memory", "read_graph");
  const eras = host.audit.entries.flatMap(({ kind, trace, data }) =>
    kind === "plugin.probed" ? [[trace?.plugin, data?.era]] : [],
  );
  expect(eras).toEqual(
    expect.arrayContaining(
      ["everything", "memory"].map((name) => [`io.modelcontextprotocol.server-${name}`, "legacy"]),
    ),
  );
});

test("[PL103] server-filesystem sees exactly the granted folder, read-only", async () => {
  const files = (tool: string, args: JsonObject) => call("server-filesystem", tool, args);
  expect((await files("list_allowed_directories", {})).text).toBe("Allowed directories:\n/work/shared");
  expect((await files("read_text_file", { path: "/work/shared/note.md" })).text).toBe("the granted note");
  expect((await files("list_directory", { path: "/work/shared" })).text).toBe("[FILE] link\n[FILE] note.md");
  for (const path of [
    "/work/shared/link",
    "/work/shared/../../secret",
    "/plugin/plugin.json",
    join(host.root, "secret"),
  ]) {
    const { text, isError } = await files("read_text_file", { path });
    expect([path, isError, text.includes("secret")]).toEqual([path, true, expect.any(Boolean)]);
    expect(text).not.toContain("the host's secret");
  }
  const written = await files("write_file", { path: "/work/shared/new.md", content: "x" });
  expect(written).toMatchObject({ isError: true, text: expect.stringMatching(/EROFS|read-only/) });
  expect(existsSync(join(host.root, "shared/new.md"))).toBe(false);
});

test("[PL102, PL103] server-memory keeps its graph over a restart, and uninstalling takes it away", async () => {
  const id = "io.modelcontextprotocol.server-memory";
  const entities = [{ name: "LogoMesh", entityType: "project", observations: ["is local"] }];
  await call("server-memory", "create_entities", { entities });
  await host.host.unload(id, CALLER);
  expect((await call("server-memory", "read_graph")).text).toContain("is local");
  const data = join(host.root, "data", id);
  expect(statSync(realpathSync(data)).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(data, "memory.jsonl"), "utf8")).toContain("is local");
  await host.host.uninstall(id, { force: false, caller: CALLER });
  expect(existsSync(data)).toBe(false);
});
