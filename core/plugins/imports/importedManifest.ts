import type { JsonObject } from "@logomesh/contracts";

export interface ImportedManifest {
  /** Parts of the reverse-DNS name, as they are written elsewhere. */
  id: readonly string[];
  name: string;
  version: string;
  description: string;
  runtime: "nodejs" | "python" | "shell";
  entryPoint: string;
  args: readonly string[];
  /** Names of environment variables that it wants to see. */
  environment: readonly string[];
  tools: readonly string[];
  author?: string;
  license?: string;
  keywords?: readonly string[];
}

/** The `plugin.json` of what was made for another host. Nothing is known of its tools but their names, so each counts as `once`. */
export function importedManifest(imported: ImportedManifest): JsonObject {
  const { id, name, version, description, runtime, entryPoint, args, environment, tools } = imported;
  const why = "The server that was imported reads this variable.";
  return {
    id: id.map(slugOf).join("."),
    ...{ name: name.slice(0, 80), version, description: description.slice(0, 500) },
    ...{ runtime, entry_point: entryPoint.replace(/^\.\//, ""), security_level: "sandbox" },
    ...(args.length === 0 ? {} : { args: [...args] }),
    ...(environment.length === 0
      ? {}
      : { permissions: { env: environment.map((variable) => ({ name: variable, why })) } }),
    ...(tools.length === 0 ? {} : { tools: Object.fromEntries(tools.map((tool) => [tool, { effect: "once" }])) }),
    ...(imported.author === undefined ? {} : { author: imported.author.slice(0, 200) }),
    ...(imported.license === undefined ? {} : { license: imported.license.slice(0, 100) }),
    ...(imported.keywords === undefined
      ? {}
      : { keywords: imported.keywords.map((word) => word.slice(0, 50)).slice(0, 50) }),
  };
}

function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return slug === "" ? "unnamed" : slug.slice(0, 50).replace(/-$/, "");
}
