import { LineCounter, isMap, isScalar, isSeq, parseDocument } from "yaml";
import validRange from "semver/ranges/valid.js";
import type { z } from "zod";
import type { InputProblem, JsonObject, PluginManifest } from "@logomesh/contracts";
import { isObject, messageOf } from "../base/index.ts";
import { ToolSchemas } from "./toolSchemas.ts";

// What is wrong with a manifest, for its author: each problem names the field, the value that is there and what to write instead, with line
// and column where the text is known.

/** Of a value that a message quotes. */
const QUOTED_CHARS = 80;

/** What the schema refuses. */
export function schemaProblems(error: z.ZodError, { value, text }: { value: unknown; text: string }): InputProblem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [problemAt(issue.path, issueText(issue, value), text)];
    return issue.keys.map((key) =>
      problemAt([...issue.path, key], "is no field of a manifest; remove it or correct its name", text),
    );
  });
}

/** What only the whole can tell: ranges, schemas and permissions that do not fit together. */
export function meaningProblems(manifest: PluginManifest, text: string): InputProblem[] {
  const problems: InputProblem[] = [];
  const add = (path: PropertyKey[], message: string): void => void problems.push(problemAt(path, message, text));
  for (const [id, range] of Object.entries(manifest.dependencies)) {
    if (validRange(range) === null)
      add(["dependencies", id], `${quote(range)} is no version range; use one such as "^1.0.0" or ">=1.2.0 <2"`);
    if (id === manifest.id) add(["dependencies", id], "names the plugin itself; remove it");
  }
  const { logomesh } = manifest.engines ?? {};
  if (logomesh !== undefined && validRange(logomesh) === null)
    add(["engines", "logomesh"], `${quote(logomesh)} is no version range; use one such as ">=0.1.0"`);
  const subscribed = manifest.permissions["event.subscribe"] ?? [];
  for (const [index, entry] of manifest.activation.entries()) {
    const type = /^onEvent:(.+)$/.exec(entry)?.[1];
    if (type !== undefined && !subscribed.some((each) => each.type === type))
      add(["activation", index], `${quote(entry)} needs the permission event.subscribe with the type ${quote(type)}`);
  }
  for (const [name, tool] of Object.entries(manifest.tools)) {
    const own = (["description", "input_schema", "output_schema"] as const).filter(
      (field) => tool[field] !== undefined,
    );
    if (manifest.runtime !== "shell" && own[0] !== undefined)
      add(["tools", name, own[0]], `is for the runtime "shell"; other plugins say it by the protocol, so remove it`);
  }
  if (manifest.config !== undefined) {
    const fault = configFault(manifest.config);
    if (fault !== undefined) add(["config"], fault);
  }
  return problems;
}

/** Made when the first plugin has settings. */
let schemas: ToolSchemas | undefined;

/** What of the settings does not fit. @throws LogoMeshError LM_PLUGIN_PROTOCOL for a schema that cannot be used */
export function settingsProblems(config: JsonObject, settings: JsonObject): InputProblem[] {
  schemas ??= new ToolSchemas();
  return schemas.validate(config, settings);
}

function configFault(config: JsonObject): string | undefined {
  if (config.type !== "object") return `must be a JSON Schema with "type": "object"`;
  let problem: InputProblem | undefined;
  try {
    [problem] = settingsProblems(config, defaultsOf(config));
  } catch (error) {
    return `cannot be used: ${messageOf(error)}`;
  }
  // Settings without a value are allowed until somebody sets them: only defaults have to fit.
  return problem === undefined || /required/.test(problem.message)
    ? undefined
    : `does not work as a JSON Schema of its own defaults: ${problem.pointer} ${problem.message}`;
}

/** The defaults that the properties of a schema name. */
export function defaultsOf(config: JsonObject): JsonObject {
  const properties = isObject(config.properties) ? config.properties : {};
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, schema]) =>
      isObject(schema) && schema.default !== undefined ? [[name, schema.default] as const] : [],
    ),
  );
}

function issueText(issue: z.core.$ZodIssue, root: unknown): string {
  const value = valueAt(root, issue.path);
  if (value === undefined && issue.code === "invalid_type") return `is missing; it must be ${issue.expected}`;
  const fix = issue.message.replace(/^Invalid (input|option): /, "").replace(/^./, (letter) => letter.toLowerCase());
  return value === undefined ? fix : `${quote(value)} is not valid: ${fix}`;
}

function problemAt(path: readonly PropertyKey[], message: string, text: string): InputProblem {
  const pointer = path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { pointer, message, ...placeOf(path, text) };
}

/** Where the value is, else where what it is missing from begins. JSON is YAML; its reader keeps places. */
function placeOf(path: readonly PropertyKey[], text: string): { line: number; column: number } {
  const lineCounter = new LineCounter();
  let node = parsePlaces(text, lineCounter);
  let offset = rangeStart(node);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (pair === undefined) break;
      node = pair.value;
      offset = rangeStart(node) ?? rangeStart(pair.key);
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = rangeStart(node) ?? offset;
    } else break;
  }
  const { line, col } = lineCounter.linePos(offset ?? 0);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function parsePlaces(text: string, lineCounter: LineCounter): unknown {
  try {
    return parseDocument(text, { lineCounter, uniqueKeys: false, logLevel: "silent" }).contents;
  } catch {
    // Nested too deeply for that reader; the pointer still says where.
    return undefined;
  }
}

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] } | null | undefined)?.range?.[0];
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > QUOTED_CHARS ? `${text.slice(0, QUOTED_CHARS)}…` : text;
}
