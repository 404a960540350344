import satisfies from "semver/functions/satisfies.js";
import type { PluginManifest } from "@logomesh/contracts";

/** Why this workbench is none that the plugin was made for, to follow its name; undefined when it is one. */
export function engineMismatch({ engines }: PluginManifest, version: string): string | undefined {
  const range = engines?.logomesh;
  if (range === undefined || satisfies(version, range, { includePrerelease: true })) return undefined;
  return `is made for LogoMesh ${range}, and this is ${version}. Use a version of it that fits, or another LogoMesh.`;
}
