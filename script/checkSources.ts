// Refuses what must not be in the tree: hand-written JavaScript, addresses of package registries, leftovers.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** Entries that must run before TypeScript can be loaded, each a few lines. */
const JAVASCRIPT_ALLOWED = new Map([["cli/logomesh.mjs", 12]]);

const FORBIDDEN_TEXT: { pattern: RegExp; why: string; files: RegExp }[] = [
  { pattern: /\b(FIXME|XXX)\b/, why: "finish it or open an issue", files: /\.(ts|tsx|py|sh)$/ },
  { pattern: /registry\.npmjs\.org|pypi\.org|deb\.debian\.org/, why: "name no registry host", files: /./ },
  {
    pattern: /eslint-disable|@ts-ignore|@ts-nocheck|@ts-expect-error/,
    why: "correct the code instead",
    files: /\.(ts|tsx)$/,
  },
  { pattern: /\b(it|test|describe)\.(only|todo)\b/, why: "every test runs", files: /\.test\.tsx?$/ },
];

const SELF = "script/checkSources.ts";

function main(): void {
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
    .split("\n")
    .filter((file) => file !== "");
  if (files.length < 50) throw new Error(`Only ${files.length} files found; the check would prove nothing.`);
  const faults = files.flatMap(faultsOf);
  for (const fault of faults) console.error(fault);
  console.log(`${files.length} files checked, ${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}

function faultsOf(file: string): string[] {
  if (file === SELF) return [];
  const faults: string[] = [];
  const text = readText(file);
  if (text === undefined) return [];
  if (/\.(js|jsx|cjs|mjs)$/.test(file)) {
    const linesMax = JAVASCRIPT_ALLOWED.get(file);
    const lines = text.trimEnd().split("\n").length;
    if (linesMax === undefined) faults.push(`${file}: write TypeScript, not JavaScript`);
    else if (lines > linesMax)
      faults.push(`${file}: ${lines} lines, at most ${linesMax}; move the logic to TypeScript`);
  }
  for (const rule of FORBIDDEN_TEXT) {
    if (!rule.files.test(file)) continue;
    const line = text.split("\n").findIndex((candidate) => rule.pattern.test(candidate));
    if (line >= 0) faults.push(`${file}:${line + 1}: ${rule.why} (${String(rule.pattern)})`);
  }
  return faults;
}

function readText(file: string): string | undefined {
  try {
    const bytes = readFileSync(join(ROOT, file));
    return bytes.includes(0) ? undefined : bytes.toString("utf8");
  } catch (error) {
    // Deleted in the working tree but still in the index.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

main();
