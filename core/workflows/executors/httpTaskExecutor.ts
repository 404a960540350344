import type { JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import type { Policy, WebRequest } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { createFault } from "../interpreter/index.ts";
import type { AuthenticatedFetch } from "./authenticatedFetch.ts";
import { toResult } from "./httpAnswer.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor } from "./taskExecutor.ts";
import { WebCall } from "./webCall.ts";

/** Methods that RFC 9110 calls safe. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const EndpointSchema = z.looseObject({ uri: z.string(), authentication: z.json().optional() });
const ArgumentsSchema = z.strictObject({
  method: z.string().transform((method) => method.toUpperCase()),
  endpoint: z.union([z.string().transform((uri) => ({ uri, authentication: undefined })), EndpointSchema]),
  headers: z.record(z.string(), text).default({}),
  query: z.record(z.string(), text).default({}),
  body: z.json().optional(),
  output: z.enum(["raw", "content", "response"]).default("content"),
  redirect: z.boolean().default(false),
});
type HttpArguments = z.output<typeof ArgumentsSchema>;

/** `call: http`. The host is literal in the definition and granted with it; redirects are answers, not followed. */
export function createHttpTaskExecutor({ policy, web }: { policy: Policy; web: AuthenticatedFetch }): TaskExecutor {
  return {
    kind: "http",
    effect: ({ literals: { method } }) =>
      typeof method === "string" && SAFE_METHODS.has(method.toUpperCase()) ? "idempotent" : "once",
    async execute(request, context) {
      const { idempotencyKey } = context;
      const args = parseArguments(ArgumentsSchema, request.arguments, "http");
      const webRequest = toWebRequest(args, { input: request.input, idempotencyKey });
      const call = new WebCall({ policy, web, request, context });
      const answer = await call.fetch(webRequest, args.endpoint.authentication);
      return toResult(answer, { ...args, request: webRequest, redact: web.redact });
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
  const url = toUrl(args.endpoint.uri, args.query, input);
  if (args.body === undefined) return { url, method: args.method, headers };
  const media = typeof args.body === "string" ? "text/plain; charset=utf-8" : "application/json";
  headers[nameOf("content-type")] ??= media;
  return { url, method: args.method, headers, body: Buffer.from(bodyText(args.body)) };
}

function bodyText(body: JsonValue): string {
  return typeof body === "string" ? body : JSON.stringify(body);
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
