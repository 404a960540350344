/** The executor's facts about a task in words; what is not known here is shown as it is. */
import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { formatDuration } from "../../lib/format.ts";

const WORDS: Record<string, string> = {
  model: "Model",
  provider: "Provider",
  inputTokens: "Tokens in",
  outputTokens: "Tokens out",
  tokensPerSecond: "Tokens per second",
  finishReason: "Finished by",
  plugin: "Plugin",
  tool: "Tool",
  method: "Method",
  url: "URL",
  statusCode: "Answered",
  durationMs: "Call took",
  dueAt: "Due at",
};
const SILENT = ["simulated", "auditSeq", "responseSeq", "requestSeq"];

export interface TaskFactsShown {
  known: { name: string; value: string }[];
  rest: JsonObject;
  /** Where the log has this task, the answer rather than the request. */
  auditSeq: number | undefined;
}

export function factsOf(details: JsonObject): TaskFactsShown {
  const known: TaskFactsShown["known"] = [];
  const rest: JsonObject = {};
  for (const [key, value] of Object.entries(details)) {
    if (SILENT.includes(key) || value === null) continue;
    const name = WORDS[key];
    if (name === undefined || typeof value === "object") rest[key] = value;
    else known.push({ name, value: key.endsWith("Ms") ? formatDuration(Number(value)) : String(value) });
  }
  const auditSeq = [details["responseSeq"], details["auditSeq"], details["requestSeq"]].find(isNumber);
  return { known, rest, auditSeq };
}

function isNumber(value: JsonValue | undefined): value is number {
  return typeof value === "number";
}
