import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import type { Policy, WebRequest } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { createFault } from "../interpreter/index.ts";
import type { AuthenticatedFetch } from "./authenticatedFetch.ts";
import { toResult } from "./httpAnswer.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor } from "./taskExecutor.ts";
import { WebCall } from "./webCall.ts";

// `call: openapi`: an operation of an OpenAPI document (2.0, 3.0, 3.1) by its id. The document is read with the step; where it leads is asked
// of the policy like any other host, so that a document cannot send the workflow elsewhere.

const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
/** References to references. */
const REFERENCES_MAX = 16;
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const SAFE_METHODS = new Set(["get", "head", "options"]);
const PLACES = ["path", "query", "header", "cookie", "body", "formData"] as const;

const ArgumentsSchema = z.strictObject({
  document: z.looseObject({
    endpoint: z.union([z.string(), z.looseObject({ uri: z.string() }).transform(({ uri }) => uri)]),
  }),
  operationId: z.string(),
  parameters: z.record(z.string(), z.json()).default({}),
  authentication: z.json().optional(),
  output: z.enum(["raw", "content", "response"]).default("content"),
  redirect: z.boolean().default(false),
});

interface Operation {
  method: string;
  path: string;
  parameters: JsonObject[];
  hasBody: boolean;
}

export function createOpenApiTaskExecutor({ policy, web }: { policy: Policy; web: AuthenticatedFetch }): TaskExecutor {
  return {
    kind: "openapi",
    // What an operation does is known only from its document.
    effect: () => "once",
    async execute(request, context) {
      const args = parseArguments(ArgumentsSchema, request.arguments, "openapi");
      const call = new WebCall({ policy, web, request, context });
      const url = args.document.endpoint;
      const accept = "application/json, application/yaml;q=0.9, */*;q=0.5";
      const found = await call.fetch({ url, method: "GET", headers: { accept } }, undefined, {
        bytesMax: DOCUMENT_BYTES_MAX,
      });
      if (found.status !== 200)
        throw createFault("communication", `The document ${url} answered ${found.status}.`, { status: found.status });
      const document = parseDocument(Buffer.from(found.body).toString("utf8"), url);
      const operation = findOperation(document, args.operationId, url);
      const webRequest = toRequest(operation, {
        ...{ document, url, values: args.parameters, idempotencyKey: context.idempotencyKey },
      });
      const answer = await call.fetch(webRequest, args.authentication);
      return toResult(answer, { ...args, request: webRequest, redact: web.redact });
    },
  };
}

function parseDocument(text: string, url: string): JsonObject {
  let value: unknown;
  try {
    value = text.trimStart().startsWith("{") ? JSON.parse(text) : parseYaml(text, { maxAliasCount: 100 });
  } catch {
    throw createFault("configuration", `${url} is neither JSON nor YAML.`);
  }
  if (isObject(value as JsonValue) && isObject((value as JsonObject).paths ?? null)) return value as JsonObject;
  throw createFault("configuration", `${url} is no OpenAPI document: it has no paths.`);
}

function findOperation(document: JsonObject, operationId: string, url: string): Operation {
  const known: string[] = [];
  for (const [path, item] of Object.entries(document.paths as JsonObject)) {
    const methods = resolve(document, item);
    for (const method of METHODS) {
      const operation = resolve(document, methods[method] ?? null);
      if (typeof operation.operationId === "string") known.push(operation.operationId);
      if (operation.operationId !== operationId) continue;
      const own = listOf(operation.parameters).map((parameter) => resolve(document, parameter));
      const shared = listOf(methods.parameters).map((parameter) => resolve(document, parameter));
      const isOwn = ({ name, in: place }: JsonObject): boolean =>
        own.some((parameter) => parameter.name === name && parameter.in === place);
      const parameters = [...shared.filter((parameter) => !isOwn(parameter)), ...own];
      return { method, path, parameters, hasBody: operation.requestBody !== undefined };
    }
  }
  throw createFault(
    "configuration",
    `${url} has no operation ${operationId}; it has ${known.slice(0, 20).join(", ")}${known.length > 20 ? " …" : ""}.`,
  );
}

function toRequest(
  operation: Operation,
  context: { document: JsonObject; url: string; values: Record<string, JsonValue>; idempotencyKey: string },
): WebRequest {
  const { document, url, values } = context;
  const rest = new Map(Object.entries(values));
  const headers: Record<string, string> = { accept: "application/json, */*;q=0.5" };
  const query: [string, string][] = [];
  const form: [string, string][] = [];
  const cookies: string[] = [];
  let { path } = operation;
  let body: JsonValue | undefined;
  for (const parameter of operation.parameters) {
    const name = typeof parameter.name === "string" ? parameter.name : "";
    const place = PLACES.find((one) => one === parameter.in);
    const value = rest.get(name) ?? defaultOf(parameter);
    rest.delete(name);
    if (value === undefined) {
      if (parameter.required === true)
        throw createFault("validation", `The operation needs the parameter “${name}” (${String(place)}).`);
      continue;
    }
    const texts = (Array.isArray(value) ? value : [value]).map(textOf);
    if (place === "path") path = path.replaceAll(`{${name}}`, texts.map(encodeURIComponent).join(","));
    else if (place === "query") query.push(...spread(parameter, { name, texts }));
    else if (place === "header") headers[name.toLowerCase()] = texts.join(",");
    else if (place === "cookie") cookies.push(`${encodeURIComponent(name)}=${texts.map(encodeURIComponent).join(",")}`);
    else if (place === "formData") form.push(...texts.map((text): [string, string] => [name, text]));
    else body = value;
  }
  if (operation.hasBody && body === undefined)
    body = rest.get("body") ?? (rest.size > 0 ? Object.fromEntries(rest) : undefined);
  else if (rest.size > 0)
    throw createFault("validation", `The operation has no parameter “${[...rest.keys()].join("”, “")}”.`);
  if (cookies.length > 0) headers.cookie = cookies.join("; ");
  if (!SAFE_METHODS.has(operation.method)) headers["idempotency-key"] = context.idempotencyKey;
  const target = new URL(baseOf(document, url) + path);
  for (const [name, text] of query) target.searchParams.append(name, text);
  const request = { url: target.href, method: operation.method.toUpperCase(), headers };
  if (form.length > 0) {
    headers["content-type"] = "application/x-www-form-urlencoded";
    return { ...request, body: Buffer.from(new URLSearchParams(form).toString()) };
  }
  if (body === undefined) return request;
  headers["content-type"] = "application/json";
  return { ...request, body: Buffer.from(JSON.stringify(body)) };
}

/** Lists repeat their name, unless the document says commas: `collectionFormat` of 2.0, `explode` of 3. */
function spread(parameter: JsonObject, { name, texts }: { name: string; texts: string[] }): [string, string][] {
  const isJoined =
    parameter.explode === false ||
    (parameter.type === "array" && (parameter.collectionFormat ?? "csv") === "csv" && parameter.schema === undefined);
  return isJoined ? [[name, texts.join(",")]] : texts.map((text) => [name, text]);
}

/** Where the operations are, without a slash at the end. */
function baseOf(document: JsonObject, url: string): string {
  const [server] = listOf(document.servers);
  if (server !== undefined) {
    const variables = isObject(server.variables ?? null) ? (server.variables as JsonObject) : {};
    const filled = textOf(server.url ?? "/").replaceAll(/\{(\w+)\}/g, (all, name: string) => {
      const variable = variables[name];
      return isObject(variable ?? null) ? textOf((variable as JsonObject).default ?? "") : all;
    });
    return withoutSlash(new URL(filled, url).href);
  }
  const here = new URL(url);
  if (typeof document.swagger !== "string") return here.origin;
  const schemes = Array.isArray(document.schemes) ? document.schemes.filter((one) => typeof one === "string") : [];
  const current = here.protocol.slice(0, -1);
  const scheme = schemes.length === 0 || schemes.includes(current) ? current : (schemes[0] ?? current);
  const host = typeof document.host === "string" ? document.host : here.host;
  return withoutSlash(
    new URL(`${scheme}://${host}${typeof document.basePath === "string" ? document.basePath : ""}`).href,
  );
}

function withoutSlash(url: string): string {
  return url.endsWith("/") ? url.slice(0, -1) : url;
}

/** A part of the document, wherever its references lead inside it. */
function resolve(document: JsonObject, part: JsonValue): JsonObject {
  let current = part;
  for (let hops = 0; hops < REFERENCES_MAX; hops += 1) {
    if (!isObject(current)) return {};
    const reference = current.$ref;
    if (typeof reference !== "string") return current;
    if (!reference.startsWith("#/"))
      throw createFault("configuration", `The reference ${reference} leads outside of the document.`);
    current = reference
      .slice(2)
      .split("/")
      .map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"))
      .reduce<JsonValue>(
        (value, step) => (isObject(value) && Object.hasOwn(value, step) ? (value[step] as JsonValue) : null),
        document,
      );
  }
  throw createFault("configuration", `The document's references go more than ${REFERENCES_MAX} deep.`);
}

function defaultOf(parameter: JsonObject): JsonValue | undefined {
  return (
    parameter.default ?? (isObject(parameter.schema ?? null) ? (parameter.schema as JsonObject).default : undefined)
  );
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textOf(value: JsonValue): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}
