import { isIP } from "node:net";
import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import { Agent, request as sendRequest, type Dispatcher } from "undici";
import { z } from "zod";
import { isCancellation, messageOf } from "../../base/index.ts";
import type { Policy } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { WorkflowFault, createFault } from "../interpreter/index.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor, TaskResult } from "./taskExecutor.ts";
import { assertAddressAllowed, createVettedLookup } from "./vettedLookup.ts";

/** Of an answer's body. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** Methods that RFC 9110 calls safe. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** They would let a workflow choose another host or frame the message differently. */
const HEADERS_REFUSED = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "te",
  "trailer",
]);

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

/** `call: http`. The host is literal in the definition and granted with it; names are resolved once and judged before dialling. */
export function createHttpTaskExecutor(options: { policy: Policy; ownPorts: () => ReadonlySet<number> }): TaskExecutor {
  return {
    kind: "http",
    effect: ({ literals: { method } }) =>
      typeof method === "string" && SAFE_METHODS.has(method.toUpperCase()) ? "idempotent" : "once",
    async execute(request, { signal, idempotencyKey }) {
      const args = parseArguments(ArgumentsSchema, request.arguments, "http");
      const url = toUrl(args.endpoint, args.query, request.input);
      options.policy.require({
        principal: request.principal,
        action: "net.fetch",
        resource: { type: "NetHost", id: originOf(url), attributes: { method: args.method } },
        context: { run: request.runId, task: request.task.reference },
      });
      const rule = { port: Number(portOf(url)), ownPorts: options.ownPorts() };
      const host = url.hostname.replace(/^\[|\]$/g, "");
      if (isIP(host) !== 0) assertAddressAllowed(host, rule);
      const agent = new Agent({ connect: { lookup: createVettedLookup(rule), timeout: CONNECT_TIMEOUT_MS } });
      try {
        const headers = headersOf(args.headers);
        if (!SAFE_METHODS.has(args.method)) headers["idempotency-key"] = idempotencyKey;
        const body =
          args.body === undefined ? undefined : typeof args.body === "string" ? args.body : JSON.stringify(args.body);
        if (body !== undefined && headers["content-type"] === undefined)
          headers["content-type"] = typeof args.body === "string" ? "text/plain; charset=utf-8" : "application/json";
        const answer = await sendRequest(url, {
          method: args.method,
          dispatcher: agent,
          headers,
          body: body ?? null,
          signal,
        });
        return await toResult(answer, { args, url });
      } catch (error) {
        throw toFault(error, url);
      } finally {
        await agent.destroy();
      }
    },
  };
}

async function toResult(
  answer: Dispatcher.ResponseData,
  { args, url }: { args: z.output<typeof ArgumentsSchema>; url: URL },
): Promise<TaskResult> {
  const bytes = await readBody(answer.body);
  const { statusCode } = answer;
  if (statusCode < 200 || statusCode > (args.redirect ? 399 : 299)) {
    throw createFault(
      "communication",
      `${args.method} ${url.href} answered ${statusCode}: ${bytes.toString("utf8").slice(0, 500)}`,
      {
        status: statusCode,
      },
    );
  }
  const type = String(answer.headers["content-type"] ?? "");
  const content = contentOf(bytes, type);
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : String(value),
    ]),
  );
  const output: JsonValue =
    args.output === "raw"
      ? bytes.toString("base64")
      : args.output === "content"
        ? content
        : { request: { method: args.method, uri: url.href }, statusCode, headers, content };
  return {
    output,
    details: { method: args.method, url: url.href, statusCode },
    payload: {
      request: { bytes: args.body === undefined ? "" : JSON.stringify(args.body), media: "application/json" },
      response: { bytes, media: type || "application/octet-stream" },
    },
  };
}

async function readBody(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > BODY_BYTES_MAX)
      throw new LogoMeshError("LM_TOO_LARGE", `The answer is longer than ${BODY_BYTES_MAX} bytes. Ask for less of it.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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
function toUrl(endpoint: string, query: Record<string, string>, input: JsonValue): URL {
  const filled = endpoint.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = isObject(input) && Object.hasOwn(input, name) ? input[name] : undefined;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw createFault("expression", `The endpoint names {${name}}, and the task's input has no such text or number.`);
    return encodeURIComponent(String(value));
  });
  if (!URL.canParse(filled)) throw createFault("configuration", `${filled} is not a URL.`);
  const url = new URL(filled);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw createFault("configuration", `${url.protocol} is not supported; use http or https.`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function portOf(url: URL): string {
  return url.port || (url.protocol === "https:" ? "443" : "80");
}

function originOf(url: URL): string {
  return `${url.protocol}//${url.hostname}:${portOf(url)}`;
}

function headersOf(headers: Record<string, string>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (HEADERS_REFUSED.has(lower))
      throw createFault("configuration", `The header ${name} is set by the workbench alone.`);
    result[lower] = value;
  }
  return result;
}

function toFault(error: unknown, url: URL): unknown {
  if (error instanceof LogoMeshError || isCancellation(error)) return error;
  const cause = error instanceof Error && error.cause instanceof LogoMeshError ? error.cause : undefined;
  if (cause !== undefined) return cause;
  if (error instanceof WorkflowFault) return error;
  return createFault("communication", `${url.origin} could not be asked: ${messageOf(error)}`);
}
