import { expect, test } from "vitest";
import { importsOf, listSources, type ImportEdge } from "./importGraph.ts";

const SERVICES = [
  ...["config", "logger", "db", "storage", "audit", "access", "policy"],
  ...["events", "files", "approvals", "network", "secrets"],
];
const FEATURES = ["plugins", "llm", "thoughts", "workflows", "devshell"];

/** Layer of a file, most specific first. A file that fits none is a fault: say where it belongs. */
const LAYERS: [RegExp, string][] = [
  [/^contracts\//, "contracts"],
  [/^core\/base\//, "core/base"],
  [/^core\/ports\//, "core/ports"],
  [/^core\/testing\//, "core/testing"],
  [/^core\/app\//, "core/app"],
  ...[...SERVICES, ...FEATURES].map((name): [RegExp, string] => [new RegExp(`^core/${name}/`), `core/${name}`]),
  [/^server\//, "server"],
  [/^cli\//, "cli"],
  [/^web\//, "web"],
  [/^(templates\/)?plugins\//, "plugins"],
  [/^test\//, "test"],
  [/^bench\//, "bench"],
  [/^script\//, "script"],
  [/^[^/]+\.ts$/, "root"],
];

const BASE = ["core/base", "core/ports"];
const PACKAGES: Record<string, string> = {
  "@logomesh/contracts": "contracts",
  "@logomesh/contracts/client": "contracts",
  "@logomesh/contracts/errors": "contracts",
  "@logomesh/core": "core/app",
  "@logomesh/core/verify": "core/audit",
  "@logomesh/core/testing": "core/testing",
  "@logomesh/server": "server",
  "@logomesh/plugin-sdk": "plugins",
  "@logomesh/plugin-sdk/testing": "plugins",
};

/** Layer → layers it may import, itself included. */
const ALLOWED: Record<string, string[]> = {
  contracts: ["contracts"],
  "core/base": ["contracts", ...BASE],
  "core/ports": ["contracts", "core/ports"],
  "core/testing": ["contracts", "core/testing", ...BASE, ...SERVICES.map((name) => `core/${name}`)],
  "core/app": ["contracts", "core/app", ...BASE, ...[...SERVICES, ...FEATURES].map((name) => `core/${name}`)],
  ...Object.fromEntries(
    SERVICES.map((name) => [`core/${name}`, ["contracts", ...BASE, ...SERVICES.map((service) => `core/${service}`)]]),
  ),
  ...Object.fromEntries(
    FEATURES.map((name) => [
      `core/${name}`,
      ["contracts", ...BASE, `core/${name}`, ...SERVICES.map((service) => `core/${service}`)],
    ]),
  ),
  server: ["contracts", "server", "core/app"],
  cli: ["contracts", "cli", "server", "core/app", "core/audit"],
  web: ["contracts", "web"],
  plugins: ["plugins"],
  root: ["root"],
};

/** Loads of each module the half that writes and nothing else, so that the thread starts quickly and stays small. */
const WRITER_ENTRY = "core/app/writerEntry.ts";

/** Not bound: they look at everything. */
const FREE = new Set(["test", "bench", "script"]);

function layerOf(file: string): string | undefined {
  return LAYERS.find(([pattern]) => pattern.test(file))?.[1];
}

function isTest(file: string): boolean {
  return /\.(test|suite|fuzz|bench)\.tsx?$/.test(file) || /(^|\/)testing\//.test(file);
}

function faultOf({ from, to }: ImportEdge): string | undefined {
  const layer = layerOf(from);
  if (layer === undefined || FREE.has(layer)) return undefined;
  const isPath = layerOf(to) !== undefined && !to.startsWith("@");
  const target = isPath ? layerOf(to) : PACKAGES[to];
  if (target === undefined) {
    if (to.startsWith("@logomesh/")) return `${from}: ${to} is not a door of that package`;
    if (to.startsWith("node:") && ["contracts", "web"].includes(layer) && !isTest(from) && !/config\.ts$/.test(from)) {
      return `${from}: ${layer} runs in the browser and cannot import ${to}`;
    }
    return undefined;
  }
  if (isPath && target.split("/")[0] !== layer.split("/")[0]) return `${from}: import the package, not the path ${to}`;
  if (isTest(from) && (target === "core/testing" || target === "core/db" || layer === "plugins")) return undefined;
  if (!(ALLOWED[layer] ?? []).includes(target)) return `${from}: ${layer} may not import ${target} (${to})`;
  if (
    isPath &&
    target !== layer &&
    !BASE.includes(target) &&
    target.startsWith("core/") &&
    !isTest(from) &&
    !/\/(index|sql)\.ts$/.test(to) &&
    !(from === WRITER_ENTRY && /WriterModule\.ts$/.test(to))
  ) {
    return `${from}: enter ${target} by its index.ts, not ${to}`;
  }
  return undefined;
}

test("every source belongs to a layer", () => {
  const sources = listSources();
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.filter((file) => layerOf(file) === undefined)).toEqual([]);
});

test("imports follow the allowed directions", () => {
  const edges = listSources().flatMap(importsOf);
  expect(edges.length).toBeGreaterThan(100);
  expect(edges.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
});

test.each<ImportEdge>([
  { from: "core/workflows/taskEngine.ts", to: "core/plugins/index.ts" },
  { from: "core/db/writer.ts", to: "core/workflows/index.ts" },
  { from: "core/base/ids.ts", to: "core/db/index.ts" },
  { from: "web/lib/client.ts", to: "@logomesh/core" },
  { from: "web/lib/client.ts", to: "core/app/index.ts" },
  { from: "contracts/json.ts", to: "node:fs" },
  { from: "server/routes/runRoutes.ts", to: "core/app/index.ts" },
  { from: "core/app/x.ts", to: "core/db/writer.ts" },
  { from: "core/app/x.ts", to: "core/audit/auditWriterModule.ts" },
  { from: "cli/main.ts", to: "@logomesh/core/db" },
])("a planted import of $to from $from is a fault", (edge) => {
  expect(faultOf(edge)).toBeTypeOf("string");
});
