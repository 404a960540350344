import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import { problemOf } from "../problem.ts";
import type { ServerLogger } from "../options.ts";
import { RESULT_BYTES_MAX, VALUE_BYTES_MAX } from "./limits.ts";

// What calls answer. A failure of the work is a result with `isError`, so that the model behind the client can read it and do better.

export interface ToolResult {
  content: ({ type: string } & JsonObject)[];
  structuredContent?: JsonObject;
  isError?: boolean;
}

/** The value as structured content, and as text for clients that read no other. */
export function resultOf(value: JsonObject): ToolResult {
  return { content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: value };
}

export function errorResult(error: unknown, context: { id: string; logger: ServerLogger }): ToolResult {
  const { code, title, detail, problems } = problemOf(toKnown(error), context);
  const places = (problems ?? []).map(({ pointer, message }) => `\n${pointer || "(whole)"}: ${message}`).join("");
  const text = `${title} (${code}): ${detail ?? ""}${places}`;
  return { content: [{ type: "text", text }], isError: true };
}

/** Arguments that do not fit are the model's mistake, with their places. */
function toKnown(error: unknown): unknown {
  if (!(error instanceof z.ZodError)) return error;
  const problems = error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(""),
    message,
  }));
  return new LogoMeshError("LM_INPUT_INVALID", "The arguments of the tool are not valid.", { problems });
}

/** @throws LogoMeshError LM_TOO_LARGE */
export function assertResultSize(result: ToolResult): ToolResult {
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes <= RESULT_BYTES_MAX) return result;
  throw new LogoMeshError(
    "LM_TOO_LARGE",
    `The tool answered ${bytes} bytes; a client gets at most ${RESULT_BYTES_MAX}. Ask the tool for less.`,
  );
}

export function clipText(text: string, charsMax: number): { text: string; isCut: boolean } {
  if (text.length <= charsMax) return { text, isCut: false };
  return { text: text.slice(0, charsMax).toWellFormed(), isCut: true };
}

/** The value under its name, or how large it would have been. */
export function valueWithin(name: "input" | "output", value: JsonValue | undefined): JsonObject {
  if (value === undefined) return {};
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes <= VALUE_BYTES_MAX ? { [name]: value } : { [`${name}OmittedBytes`]: bytes };
}
