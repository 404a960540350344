/** The version that a definition's text names, and the same text with the next one: everything else stays as written. */
import { isScalar, parseDocument } from "yaml";

export function versionOf(source: string): string | undefined {
  const node = parseDocument(source).getIn(["document", "version"]);
  return typeof node === "string" ? node : undefined;
}

/** Undefined when the version is no `major.minor.patch`. */
export function withNextVersion(
  source: string,
  taken: readonly string[],
): { source: string; version: string } | undefined {
  const node = parseDocument(source).getIn(["document", "version"], true);
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return undefined;
  const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(node.value);
  if (parts === null) return undefined;
  let patch = Number(parts[3]);
  let version: string;
  do {
    patch += 1;
    version = `${parts[1] ?? "0"}.${parts[2] ?? "0"}.${patch}`;
  } while (taken.includes(version));
  const [from, to] = node.range;
  return { source: `${source.slice(0, from)}"${version}"${source.slice(to)}`, version };
}
