import type { JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import { messageOf } from "../../base/index.ts";
import type { AuthorizeHop, Policy, WebAnswer, WebFetch, WebRequest } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { createFault } from "../interpreter/index.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor, TaskResult } from "./taskExecutor.ts";

/** Methods that RFC 9110 calls safe. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** A task's own `timeout` ends it sooner. */
const TIMEOUT_MS = 300_000;
/** Of an answer that is an error, in its message. */
const SAID_CHARS_MAX = 500;
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const ArgumentsSchema = z.strictObject({
  method: z.string().transform((method) => method.toUpperCase()),
  endpoint: z.union([z.string(), z.looseObject({ uri: z.string() }).transform(({ uri }) => uri)]),
  headers: z.record(z.string(), text).default({}),
  query: z.record(z.string(), text).default({}),
  body: z.json().optional(),
  output: z.enum(["raw", "content", "response"]).default("content"),
  redirect: z.boolean().default(false),
});
type HttpArguments = z.output<typeof ArgumentsSchema>;

/** `call: http`. The host is literal in the definition and granted with it; redirects are answers, not followed. */
export function createHttpTaskExecutor({ policy, network }: { policy: Policy; network: WebFetch }): TaskExecutor {
  return {
    kind: "http",
    effect: ({ literals: { method } }) =>
      typeof method === "string" && SAFE_METHODS.has(method.toUpperCase()) ? "idempotent" : "once",
    async execute(request, { signal, idempotencyKey, tainted }) {
      const args = parseArguments(ArgumentsSchema, request.arguments, "http");
      const authorize: AuthorizeHop = ({ scheme, host, port, method, address }) =>
        policy.require({
          principal: request.principal,
          action: "net.fetch",
          resource: {
            type: "NetHost",
            id: `${scheme}://${host}:${port}`,
            attributes: { method, ...(address === undefined ? {} : { address }) },
          },
          context: { tainted, run: request.runId, task: request.task.reference },
        });
      const webRequest = toWebRequest(args, { input: request.input, idempotencyKey });
      const caller = `workflow:${request.principal.id}`;
      const fetchOptions = { signal, caller, authorize, redirects: "answer", timeoutMs: TIMEOUT_MS } as const;
      return toResult(await network.fetch(webRequest, fetchOptions), args);
    },
  };
}

function toWebRequest(
  args: HttpArguments,
  { input, idempotencyKey }: { input: JsonValue; idempotencyKey: string },
): WebRequest {
  const headers = { ...args.headers };
  const nameOf = (wanted: string): string =>
    Object.keys(headers).find((name) => name.toLowerCase() === wanted) ?? wanted;
  if (!SAFE_METHODS.has(args.method)) headers[nameOf("idempotency-key")] = idempotencyKey;
  const url = toUrl(args.endpoint, args.query, input);
  if (args.body === undefined) return { url, method: args.method, headers };
  const media = typeof args.body === "string" ? "text/plain; charset=utf-8" : "application/json";
  headers[nameOf("content-type")] ??= media;
  return { url, method: args.method, headers, body: Buffer.from(bodyText(args.body)) };
}

function bodyText(body: JsonValue): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function toResult({ status: statusCode, headers, body, url }: WebAnswer, args: HttpArguments): TaskResult {
  const bytes = Buffer.from(body);
  if (statusCode < 200 || statusCode > (args.redirect ? 399 : 299)) {
    const said = bytes.toString("utf8").slice(0, SAID_CHARS_MAX);
    throw createFault("communication", `${args.method} ${url} answered ${statusCode}: ${said}`, { status: statusCode });
  }
  const type = headers["content-type"] ?? "";
  const content = contentOf(bytes, type);
  const output: JsonValue =
    args.output === "raw"
      ? bytes.toString("base64")
      : args.output === "content"
        ? content
        : { request: { method: args.method, uri: url }, statusCode, headers: { ...headers }, content };
  return {
    output,
    details: { method: args.method, url, statusCode },
    payload: {
      request: { bytes: args.body === undefined ? "" : JSON.stringify(args.body), media: "application/json" },
      response: { bytes, media: type || "application/octet-stream" },
    },
  };
}

function contentOf(bytes: Buffer, type: string): JsonValue {
  const plain = bytes.toString("utf8");
  if (!/[/+]json\b/i.test(type)) return plain;
  try {
    return JSON.parse(plain) as JsonValue;
  } catch (error) {
    throw createFault("communication", `The answer calls itself JSON and is not: ${messageOf(error)}`);
  }
}

/** The literal endpoint with `{name}` in path and query filled from the task's input, each value encoded. */
function toUrl(endpoint: string, query: Record<string, string>, input: JsonValue): string {
  const filled = endpoint.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = isObject(input) && Object.hasOwn(input, name) ? input[name] : undefined;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw createFault("expression", `The endpoint names {${name}}, and the task's input has no such text or number.`);
    return encodeURIComponent(String(value));
  });
  const url = URL.parse(filled);
  if (url === null) throw createFault("configuration", `${filled} is not a URL.`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}
