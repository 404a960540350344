import { readFileSync, statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { LogoMeshError, type CallToolResult, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { parseDocument } from "yaml";
import { z } from "zod";
import { isObject, messageOf } from "../../base/index.ts";
import { AnyObject, AnyValue } from "../hostPlane/hostTool.ts";
import { parseInput } from "../hostPlane/pluginApi.ts";

// Tests as data: which tool is called with which arguments, what the host answers meanwhile, and what comes out.

/** Of one file. */
const FILE_BYTES_MAX = 262_144;
const CASES_MAX = 200;
/** Of a result in a message. */
const QUOTED_CHARS = 2_000;

const TestCaseSchema = z
  .strictObject({
    name: z.string().min(1).max(200),
    tool: z.string().min(1).max(128),
    arguments: AnyObject.default({}),
    /** Held against the host when the case runs. */
    host: z.array(AnyObject).max(1_000).default([]),
    /** What `structuredContent` has to be. */
    result: AnyValue.optional(),
    /** Has to be in the text of the answer. */
    text: z.string().optional(),
    /** Has to be in what the call fails with. */
    error: z.string().min(1).optional(),
  })
  .refine(({ result, text, error }) => [result, text, error].some((expected) => expected !== undefined), {
    message: "expects nothing: say `result`, `text` or `error`",
  });
export type TestCase = z.output<typeof TestCaseSchema>;

const CaseFileSchema = z.strictObject({ cases: z.array(TestCaseSchema).min(1).max(CASES_MAX) });

/** @throws LogoMeshError LM_INPUT_INVALID with file and place */
export function readTestCases(path: string, name: string): TestCase[] {
  const { size } = statSync(path);
  if (size > FILE_BYTES_MAX)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `${name} has ${size} bytes; at most ${FILE_BYTES_MAX} are read. Split it.`,
    );
  return parseInput(name, CaseFileSchema, readYaml(readFileSync(path, "utf8"), name)).cases;
}

/** JSON is YAML too. Without aliases, which multiply a document. */
function readYaml(text: string, name: string): JsonObject {
  const document = parseDocument(text, { version: "1.2", uniqueKeys: false, merge: false, logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) throw new LogoMeshError("LM_INPUT_INVALID", `${name}: ${error.message}`);
  try {
    // Through text, so that dates and the like are what JSON has.
    const value = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 0 }) ?? null)) as JsonValue;
    if (isObject(value)) return value;
  } catch (cause) {
    throw new LogoMeshError("LM_INPUT_INVALID", `${name}: ${messageOf(cause)}.`, { cause });
  }
  throw new LogoMeshError("LM_INPUT_INVALID", `${name} is a mapping with \`cases\`.`);
}

/** What of the outcome is otherwise than the case expects; undefined when nothing is. */
export function differenceOf(
  { result, text, error }: TestCase,
  outcome: CallToolResult | { failure: string },
): string | undefined {
  const failure = "failure" in outcome ? outcome.failure : outcome.isError ? textOf(outcome) : undefined;
  if (error !== undefined) {
    if (failure === undefined) return `It should fail with “${error}”, and it answers ${quoteOf(outcome)}.`;
    return failure.includes(error) ? undefined : `It should fail with “${error}”, and it fails with “${failure}”.`;
  }
  if (failure !== undefined || "failure" in outcome) return `It fails: ${failure ?? ""}`;
  if (text !== undefined && !textOf(outcome).includes(text))
    return `Its text should have “${text}” in it, and is “${textOf(outcome)}”.`;
  if (result === undefined) return undefined;
  const { structuredContent = null } = outcome;
  return isDeepStrictEqual(structuredContent, result)
    ? undefined
    : `It answers ${quoteOf(outcome)}, and should answer ${JSON.stringify(result).slice(0, QUOTED_CHARS)}.`;
}

function textOf({ content }: CallToolResult): string {
  return content
    .map((block) => ("text" in block && typeof block.text === "string" ? block.text : ""))
    .join("\n")
    .slice(0, QUOTED_CHARS);
}

function quoteOf(outcome: CallToolResult | { failure: string }): string {
  if ("failure" in outcome) return outcome.failure;
  return outcome.structuredContent === undefined
    ? `the text “${textOf(outcome)}”`
    : JSON.stringify(outcome.structuredContent).slice(0, QUOTED_CHARS);
}
