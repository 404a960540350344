import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { messageOf } from "../../base/index.ts";
import type { WebAnswer, WebRequest } from "../../ports/index.ts";
import { createFault } from "../interpreter/index.ts";
import type { TaskResult } from "./taskExecutor.ts";

/** Of an answer that is an error, in its message. */
const SAID_CHARS_MAX = 500;
/** Names of headers whose values are nobody's business. */
const PRIVATE_HEADERS = new Set(["authorization", "proxy-authorization", "cookie"]);

export type AnswerForm = "raw" | "content" | "response";

/** What a task makes of an answer: the content, the whole answer, or its bytes in Base64. @throws WorkflowFault for an error status */
export function toResult(
  answer: WebAnswer,
  options: { request: WebRequest; output: AnswerForm; redirect: boolean; redact: (text: string) => string },
): TaskResult {
  const { status: statusCode, headers, url } = answer;
  const { request, output, redirect, redact } = options;
  const bytes = Buffer.from(answer.body);
  if (statusCode < 200 || statusCode > (redirect ? 399 : 299)) {
    const said = redact(bytes.toString("utf8")).slice(0, SAID_CHARS_MAX);
    throw createFault("communication", `${request.method} ${redact(url)} answered ${statusCode}: ${said}`, {
      status: statusCode,
    });
  }
  const type = headers["content-type"] ?? "";
  const read = (): JsonValue => contentOf(redact(bytes.toString("utf8")), type);
  const outputs: Record<AnswerForm, () => JsonValue> = {
    raw: () => bytes.toString("base64"),
    content: read,
    response: () => ({
      request: { method: request.method, uri: redact(url), headers: shownHeaders(request.headers) },
      ...{ statusCode, headers: { ...headers }, content: read() },
    }),
  };
  const sent = request.body === undefined ? "" : redact(Buffer.from(request.body).toString("utf8"));
  return {
    output: outputs[output](),
    details: { method: request.method, url: redact(url), statusCode },
    payload: {
      request: { bytes: sent, media: "application/json" },
      response: { bytes: Buffer.from(redact(bytes.toString("utf8"))), media: type || "application/octet-stream" },
    },
  };
}

function shownHeaders(headers: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      PRIVATE_HEADERS.has(name.toLowerCase()) ? "[private]" : value,
    ]),
  );
}

function contentOf(plain: string, type: string): JsonValue {
  if (!/[/+]json\b/i.test(type)) return plain;
  try {
    return JSON.parse(plain) as JsonValue;
  } catch (error) {
    throw createFault("communication", `The answer calls itself JSON and is not: ${messageOf(error)}`);
  }
}
