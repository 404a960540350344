import type { JsonObject, JsonValue } from "@logomesh/contracts";

// What both transports of the Model Context Protocol say of a message: lines on stdio, headers and events on HTTP.

const REVISION_KEY = "io.modelcontextprotocol/protocolVersion";
/** Which parameter the header `Mcp-Name` repeats, by method (revision 2026-07-28). */
const NAMED_BY = new Map([
  ["tools/call", "name"],
  ["prompts/get", "name"],
  ["resources/read", "uri"],
]);
/** Of one event of an answer: the largest result of the workbench, as text and as structure, and room for both. */
const EVENT_CHARS_MAX = 16 * 1_048_576;

/** JSON-RPC's own codes. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;

export type MessageId = string | number;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function idOf(value: JsonValue | undefined): MessageId | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

export function errorMessage(
  id: MessageId | null,
  error: { code: number; message: string; data?: JsonValue },
): JsonObject {
  return { jsonrpc: "2.0", id, error };
}

/** What HTTP wants to know of a message before it reads it. `revision`: of the connection, where the message itself names none. */
export function headersOf(message: JsonObject, revision: string | undefined): Record<string, string> {
  const params = isObject(message.params) ? message.params : {};
  const own = isObject(params._meta) ? params._meta[REVISION_KEY] : undefined;
  if (typeof own !== "string") return revision === undefined ? {} : { "mcp-protocol-version": revision };
  const method = typeof message.method === "string" ? message.method : "";
  const name = params[NAMED_BY.get(method) ?? ""];
  return {
    "mcp-protocol-version": headerText(own),
    "mcp-method": headerText(method),
    ...(typeof name === "string" ? { "mcp-name": headerText(name) } : {}),
  };
}

/** As it is where a header can carry it, else in the specification's Base64 form. */
function headerText(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?base64?")) return text;
  return `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

/** The messages of an answer, as they arrive: of one body, or of a stream of events. */
export async function* messagesOf(response: Response): AsyncGenerator<JsonValue> {
  if (response.body === null) return;
  if (!/^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "")) {
    const text = await response.text();
    if (text !== "") yield JSON.parse(text) as JsonValue;
    return;
  }
  let rest = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    rest += part.replaceAll("\r\n", "\n");
    const events = rest.split("\n\n");
    rest = events.pop() ?? "";
    if (rest.length > EVENT_CHARS_MAX) throw new Error(`an event is longer than ${EVENT_CHARS_MAX} characters`);
    for (const event of events) {
      const data = event.split("\n").flatMap((line) => (/^data: ?/.test(line) ? [line.replace(/^data: ?/, "")] : []));
      if (data.some((line) => line !== "")) yield JSON.parse(data.join("\n")) as JsonValue;
    }
  }
}
