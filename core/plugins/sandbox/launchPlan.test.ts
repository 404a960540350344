import { expect, test } from "vitest";
import { ResourceLimitsSchema, type PluginRuntime } from "@logomesh/contracts";
import { SOURCES_MAX } from "./launcher.ts";
import { planLaunch, readRootEntries, type LaunchPlanInput } from "./launchPlan.ts";
import type { SandboxSpec } from "./sandbox.ts";

const limits = ResourceLimitsSchema.parse({ memory_mb: 100, tmp_mb: 8, max_processes: 4, max_open_files: 50 });
const spec: SandboxSpec = {
  pluginId: "org.example.one",
  runtime: "nodejs",
  bundleFolder: "/host/bundles/abc",
  entryPoint: "dist/main.js",
  limits,
};
const INTERPRETERS: Record<PluginRuntime, string> = {
  nodejs: "/runtime/bin/node",
  python: "/usr/bin/python3",
  shell: "/usr/bin/bash",
};

function plan(overrides: Partial<SandboxSpec> = {}, rest: Partial<LaunchPlanInput> = {}) {
  const wanted = { ...spec, ...overrides };
  const interpreter = INTERPRETERS[wanted.runtime];
  const mount = { source: "/host/bin/node", destination: interpreter };
  return planLaunch({
    spec: wanted,
    runtime: { interpreter, mount: wanted.runtime === "nodejs" ? mount : undefined },
    seccomp: Buffer.alloc(8),
    bwrapPath: "/usr/bin/bwrap",
    dropToUid: undefined,
    rootEntries: [
      { path: "/bin", linkTarget: "usr/bin" },
      { path: "/lib64", linkTarget: undefined },
    ],
    ...rest,
  });
}

/** The arguments behind an option, for each time it is given. */
function valuesOf(options: readonly string[], option: string, count: number): string[][] {
  return options.flatMap((word, index) => (word === option ? [options.slice(index + 1, index + 1 + count)] : []));
}

test("[SB1] only the listed folders are bound, read-only, and none below another that a plugin can write", () => {
  const { options } = plan({ readOnlyMounts: { "/node_modules/@logomesh/plugin-sdk": "/host/sdk" } });
  expect(valuesOf(options, "--ro-bind", 2)).toEqual([
    ["/usr", "/usr"],
    ["/lib64", "/lib64"],
    ["/proc/sys", "/proc/sys"],
    ["/host/bundles/abc", "/plugin"],
    ["/host/bin/node", "/runtime/bin/node"],
    ["/host/sdk", "/node_modules/@logomesh/plugin-sdk"],
  ]);
  expect(valuesOf(options, "--symlink", 2)).toEqual([["usr/bin", "/bin"]]);
  expect(options.filter((word) => /^--(dev-)?bind/.test(word))).toEqual([]);
  expect(valuesOf(options, "--tmpfs", 1).flat()).toEqual(["/tmp", "/dev/shm"]);
  expect(valuesOf(options, "--size", 1).flat()).toEqual([String(8 * 1024 * 1024), String(1024 * 1024)]);
  expect(valuesOf(options, "--remount-ro", 1).flat()).toEqual(["/dev", "/"]);
});

test("[SB8] every namespace is the sandbox's own and nothing is left of privileges", () => {
  const { options } = plan();
  const wanted = ["user", "pid", "net", "ipc", "uts"].map((name) => `--unshare-${name}`);
  expect(options).toEqual(
    expect.arrayContaining([...wanted, "--disable-userns", "--new-session", "--die-with-parent", "--clearenv"]),
  );
  expect(valuesOf(options, "--cap-drop", 1)).toEqual([["ALL"]]);
});

test("[SB3, SB4] the command line has paths of the inside only, and the environment is empty", () => {
  const { command, environment } = plan();
  expect(environment).toEqual({});
  expect(command.join("\n")).not.toContain("/host/");
  expect(command.slice(-4)).toEqual([
    "/runtime/bin/node",
    "--max-old-space-size=60",
    "--disable-proto=delete",
    "/plugin/dist/main.js",
  ]);
});

test("[SB18] as root, folders are bound by the launcher, which then drops to the given user", () => {
  const { command, options, sources } = plan({}, { dropToUid: 4711 });
  expect(sources).toEqual(["/host/bundles/abc", "/host/bin/node"]);
  expect(command.slice(0, 8)).toEqual([
    "/usr/bin/unshare",
    "--mount",
    "--propagation",
    "private",
    "--",
    "/usr/bin/bash",
    "--noprofile",
    "--norc",
  ]);
  expect(command.slice(10, 17)).toEqual(["launcher", "4711", "2", "0", "6", ...sources]);
  expect(options).toEqual(expect.arrayContaining(["--ro-bind", "/run/0", "/plugin", "--ro-bind", "/run/1"]));
  expect(options.join("\n")).not.toContain("/host/");
});

test("[SB18] not as root, the launcher binds nothing and keeps the user", () => {
  const { command, sources } = plan();
  expect(sources).toEqual([]);
  expect(command.slice(0, 3)).toEqual(["/usr/bin/bash", "--noprofile", "--norc"]);
  expect(command.slice(5, 14)).toEqual(["launcher", "-", "0", "0", "6", "/usr/bin/bwrap", "--args", "4", "--"]);
});

test.each<[PluginRuntime, number, number]>([
  ["nodejs", 100 + 1152, 4 + 16],
  ["python", 100, 4 + 2],
  ["shell", 100, 4 + 6],
])("[SB11, SB12] the gate of %s sets its limits", (runtime, dataMb, tasks) => {
  const { command } = plan({ runtime });
  const at = command.indexOf("gate");
  expect(command.slice(at + 1, at + 5)).toEqual([String(dataMb * 1024), String(tasks), "50", String(8 * 1024)]);
});

test("[SB23] Python looks into the bundle, its vendor folder and the mounted SDK, in this order", () => {
  const { command } = plan({ runtime: "python", entryPoint: "main.py" });
  expect(command.join(" ")).toMatch(/python3 -I -B -X utf8 -c [^]*"\/plugin", "\/plugin\/vendor", "\/sdk\/python"/);
  expect(command.at(-1)).toBe("/plugin/main.py");
});

test.each([
  "/plugin/node_modules/@logomesh/plugin-sdk",
  "/usr/lib/x",
  "/tmp/x",
  "/",
  "relative",
  "/a/../plugin",
  "/proc",
  "/runtime",
])("[SB21] nothing is mounted at %s", (destination) => {
  expect(() => plan({ readOnlyMounts: { [destination]: "/host/sdk" } })).toThrow(/mount/);
});

test("[SB21] extra folders do not lie in one another, and are not too many", () => {
  expect(() => plan({ readOnlyMounts: { "/sdk": "/a", "/sdk/python": "/b" } })).toThrow(/overlap/);
  const many = Object.fromEntries(Array.from({ length: SOURCES_MAX - 1 }, (_, index) => [`/work/${index}`, "/host/x"]));
  expect(() => plan({ readOnlyMounts: many })).toThrow(`at most ${SOURCES_MAX}`);
});

test("[SB25] a variable cannot bring along options of its own", () => {
  expect(() => plan({ environment: { X: "\0--bind\0/\0/host" } })).toThrow(/NUL/);
  const { options, command } = plan({ environment: { X: "--bind" } });
  expect(valuesOf(options, "--setenv", 2)).toContainEqual(["LOGOMESH_GRANTED_X", "--bind"]);
  expect(command.join(" ")).not.toContain("--bind");
});

test("[SB26] data is the one folder that is bound writable", () => {
  const { options } = plan({ data: { folder: "/host/data", bytesMax: 1 } });
  expect(valuesOf(options, "--bind", 2)).toEqual([["/host/data", "/data"]]);
  expect(() => plan({ readOnlyMounts: { "/data/x": "/host/sdk" } })).toThrow(/mount/);
});

test("[SB54] what a proxied sandbox needs is there only where there is a proxy", () => {
  const variables = (options: readonly string[]) =>
    Object.fromEntries(valuesOf(options, "--setenv", 2).map(([name = "", value]) => [name, value]));
  const [strict, proxied] = [plan(), plan({ network: "proxied" })];
  const added = Object.entries(variables(proxied.options)).filter(([name]) => !(name in variables(strict.options)));
  const names = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_USE_ENV_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
  ];
  expect(added.map(([name]) => name).sort()).toEqual(names);
  const certificates = (options: readonly string[]) =>
    valuesOf(options, "--ro-bind-try", 1)
      .flat()
      .filter((path) => /ssl|pki/.test(path));
  expect([certificates(strict.options), certificates(proxied.options).length > 0]).toEqual([[], true]);
  expect([strict.isProxied, proxied.isProxied]).toEqual([false, true]);
  expect(strict.command.join("\n")).not.toContain("http2");
});

test("[SB52, SB53] the bridge begins before the limits of the plugin hold, and adds its own threads to them", () => {
  const { command } = plan({ network: "proxied", runtime: "python" });
  const at = command.indexOf("gate");
  const count = Number(command[at + 5]);
  expect(command[at + 2]).toBe(String(4 + 2 + 8));
  const bridge = command.slice(at + 6, at + 6 + count);
  expect([bridge[0], bridge[6], bridge.includes("--jitless")]).toEqual(["/usr/bin/bash", "/runtime/bin/node", true]);
  expect(command[at + 6 + count]).toBe("/usr/bin/python3");
});

test("[SB1] the entries of the host's root folder are links into /usr or folders", () => {
  for (const { path, linkTarget } of readRootEntries()) {
    expect(path).toMatch(/^\/s?bin$|^\/lib(32|64)?$/);
    expect(linkTarget ?? "usr/").toMatch(/^\/?usr\//);
  }
});
