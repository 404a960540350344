import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, PluginManifestSchema, type InputProblem, type PluginManifest } from "@logomesh/contracts";
import { meaningProblems, schemaProblems } from "./manifestProblems.ts";

export const MANIFEST_FILE = "plugin.json";

/** Far above any manifest; keeps a hostile folder from filling memory. */
const MANIFEST_BYTES_MAX = 262_144;
const OPEN_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "is missing; every plugin folder needs one",
  ELOOP: "is a link; it must be a file of the plugin's folder",
};
/** As messages of a plugin. */
const DEPTH_MAX = 64;

/**
 * The manifest of a plugin's folder.
 * @throws LogoMeshError LM_PLUGIN_MANIFEST_INVALID; the detail names the file, `problems` the places
 */
export function readManifest(folder: string): PluginManifest {
  const file = join(folder, MANIFEST_FILE);
  return parseManifest(readText(file), file);
}

/** `file` is what errors call it. @throws LogoMeshError LM_PLUGIN_MANIFEST_INVALID */
export function parseManifest(text: string, file: string): PluginManifest {
  const value = parseJson(file, text);
  if (isDeeperThan(value, DEPTH_MAX))
    throw invalid(file, [{ pointer: "", message: `nests lists and objects more than ${DEPTH_MAX} deep` }]);
  const parsed = PluginManifestSchema.safeParse(value);
  if (!parsed.success) throw invalid(file, schemaProblems(parsed.error, { value, text }));
  const problems = meaningProblems(parsed.data, text);
  if (problems.length > 0) throw invalid(file, problems);
  return parsed.data;
}

/** The folder may be hostile: a pipe would be waited for, a device has no end, and what a link leads to is nobody's to be told. */
function readText(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw invalid(file, [
      { pointer: "", message: OPEN_FAILURES[codeOf(error)] ?? `cannot be read (${codeOf(error)})` },
    ]);
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw invalid(file, [{ pointer: "", message: "is no ordinary file" }]);
    if (stats.size > MANIFEST_BYTES_MAX) {
      const message = `has ${stats.size} bytes, at most ${MANIFEST_BYTES_MAX} are allowed`;
      throw invalid(file, [{ pointer: "", message }]);
    }
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}

/** Without recursion: the value is hostile. */
function isDeeperThan(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return true;
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? (Object.values(each) as unknown[]) : [],
    );
  }
  return false;
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(file, [{ pointer: "", message: `is not JSON: ${message}`, ...placeOf(message, text) }]);
  }
}

/** V8 says `at position 12`, or nothing when the text ends too early. */
function placeOf(message: string, text: string): { line: number; column: number } {
  const position = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
  const before = text.slice(0, position).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

function invalid(file: string, problems: InputProblem[]): LogoMeshError {
  const [first] = problems;
  const places = [
    ...(first?.line === undefined ? [] : [`line ${first.line}, column ${first.column ?? 1}`]),
    ...(first === undefined || first.pointer === "" ? [] : [first.pointer]),
  ];
  const place = places.join(", ");
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new LogoMeshError(
    "LM_PLUGIN_MANIFEST_INVALID",
    `${file}${place === "" ? "" : ` ${place}`}: ${first?.message ?? "is not valid"}${more}.`,
    { problems, data: { file } },
  );
}

/** @throws LogoMeshError LM_PLUGIN_MANIFEST_INVALID unless the entry point is a regular file of the bundle */
export function assertEntryPoint(folder: string, { entry_point, runtime }: PluginManifest): void {
  const stats = statSync(join(folder, entry_point), { throwIfNoEntry: false });
  const fault = (message: string): LogoMeshError =>
    invalid(join(folder, MANIFEST_FILE), [{ pointer: "/entry_point", message: `${entry_point} ${message}` }]);
  if (stats?.isFile() !== true) throw fault("is no file of the plugin");
  if (runtime === "shell" && (stats.mode & 0o100) === 0) throw fault("is not executable; run chmod +x on it");
}
