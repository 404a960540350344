import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, PluginManifestSchema, type InputProblem, type PluginManifest } from "@logomesh/contracts";

export const MANIFEST_FILE = "plugin.json";

/** Far above any manifest; keeps a hostile folder from filling memory. */
const MANIFEST_BYTES_MAX = 262_144;

/**
 * The manifest of a plugin's folder.
 * @throws LogoMeshError LM_PLUGIN_MANIFEST_INVALID; the detail names the file, `problems` the places
 */
export function readManifest(folder: string): PluginManifest {
  const file = join(folder, MANIFEST_FILE);
  const parsed = PluginManifestSchema.safeParse(parseJson(file, readText(file)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => ({
      pointer: issue.path.map((part) => `/${escapePointer(String(part))}`).join(""),
      message: issue.message,
    }));
    throw invalid(file, problems);
  }
  return parsed.data;
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MANIFEST_BYTES_MAX) {
      throw invalid(file, [{ pointer: "", message: `has ${size} bytes, at most ${MANIFEST_BYTES_MAX} are allowed` }]);
    }
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof LogoMeshError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const message =
      code === "ENOENT" ? "is missing; every plugin folder needs one" : `cannot be read (${String(code)})`;
    throw invalid(file, [{ pointer: "", message }]);
  }
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

function escapePointer(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

function invalid(file: string, problems: InputProblem[]): LogoMeshError {
  const [first] = problems;
  const place = first?.line === undefined ? (first?.pointer ?? "") : `line ${first.line}, column ${first.column ?? 1}`;
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
