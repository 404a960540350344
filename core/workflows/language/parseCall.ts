import type { JsonObject } from "@logomesh/contracts";
import { isObject, type Template } from "../expressions/index.ts";
import type { Authentication, BuiltinCall, Task } from "./definition.ts";
import { literalOf } from "./definition.ts";
import type { Fields } from "./fields.ts";
import { parseAuthentication } from "./parseAuthentication.ts";
import type { TaskParser, TaskSource } from "./parseTask.ts";

// `call`: what a workflow reaches outside is literal in it, so that a person can grant it before anything runs.

export const BUILTIN_CALLS: readonly BuiltinCall[] = ["http", "openapi", "llm", "plugin", "thought.create"];
export const CALLS_NOT_SUPPORTED = ["grpc", "asyncapi", "a2a", "mcp"];
export const CALL_REQUIRED: Record<BuiltinCall, readonly string[]> = {
  http: ["method", "endpoint"],
  openapi: ["document", "operationId"],
  llm: [],
  plugin: ["plugin", "tool"],
  "thought.create": ["title"],
};
export const CALL_FIELDS: Record<BuiltinCall, readonly string[]> = {
  http: ["method", "endpoint", "headers", "body", "query", "output", "redirect"],
  openapi: ["document", "operationId", "parameters", "authentication", "output", "redirect"],
  llm: ["model", "system", "prompt", "messages", "format", "options", "maxTokens", "timeout"],
  plugin: ["plugin", "tool", "arguments"],
  "thought.create": ["title", "body", "tags", "color", "position", "segments"],
};
/** `name:version@catalog`, the specification's form for a function of a catalog. */
const CATALOG_CALL = /^([a-z][a-z.]*):(\d+\.\d+\.\d+)@default$/;
/** Up to path, query or fragment, without user, placeholder or backslash (which the URL parser takes for a slash). */
const LITERAL_ORIGIN = /^https?:\/\/[^/\\{}$\s?#@]+(?=[/?#]|$)/;

export function parseCall(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
  const named = fields.text("call", { required: true });
  if (named === undefined) return undefined;
  const argument = fields.get("with") ?? {};
  if (!isObject(argument)) {
    fields.fault("`with` is a mapping of arguments", "with");
    return undefined;
  }
  const call = CATALOG_CALL.exec(named)?.[1] ?? named;
  if (CALLS_NOT_SUPPORTED.includes(call)) {
    fields.fault(`“call: ${call}” is not supported yet; supported are ${BUILTIN_CALLS.join(", ")}`, "call");
    return undefined;
  }
  if (!BUILTIN_CALLS.includes(call as BuiltinCall))
    return parseFunctionCall(parser, { fields, base }, { name: call, argument });
  const builtin = call as BuiltinCall;
  const args = parser.fields(argument, [...fields.path, "with"]);
  args.only(CALL_FIELDS[builtin], `“call: ${builtin}”`);
  for (const name of CALL_REQUIRED[builtin])
    if (!args.has(name)) args.fault(`“${name}” is missing in “call: ${builtin}”`);
  if (builtin === "llm" && args.has("prompt") === args.has("messages"))
    args.fault("give either `prompt` or `messages`");
  const proof = parseProof(parser, args, builtin);
  const given = proof === undefined ? argument : proof.argument;
  const template = parser.template(given, args.path);
  const literals = literalMembers(argument, template);
  for (const name of builtin === "plugin" ? ["plugin", "tool"] : []) {
    if (args.has(name) && typeof literals[name] !== "string") {
      args.fault(`“${name}” must be a literal text: what a workflow may call is granted before it runs`, name);
    }
  }
  if (builtin === "llm" && args.has("model") && typeof literals.model !== "string") {
    args.fault("“model” must be a literal name or alias: what a workflow may call is granted before it runs", "model");
  }
  if (builtin === "http") checkEndpoint(parser, args);
  if (builtin === "openapi") checkOpenApi(parser, args);
  return {
    ...{ ...base, type: "call", call: builtin, with: template, literals },
    ...(proof === undefined ? {} : { authentication: proof.authentication, secrets: proof.secrets }),
  };
}

interface Proof {
  argument: JsonObject;
  authentication: Authentication;
  secrets: string[];
}

/** The authentication of a call, with its arguments as they are then. */
function parseProof(parser: TaskParser, args: Fields, call: BuiltinCall): Proof | undefined {
  const owner = call === "http" ? endpointOf(parser, args) : call === "openapi" ? args : undefined;
  if (owner?.has("authentication") !== true) return undefined;
  const parsed = parseAuthentication(parser, owner);
  if (parsed === undefined) return undefined;
  const { authentication, value } = parsed;
  const secrets = authentication.secret === undefined ? [] : [authentication.secret];
  const client = isObject(value.oauth2 ?? null) ? (value.oauth2 as JsonObject).client : undefined;
  const nested = isObject(client ?? null) ? (client as JsonObject).secret : undefined;
  if (isObject(nested ?? null)) {
    const name = (nested as JsonObject).use;
    if (typeof name !== "string") owner.fault("give { use: <name of the secret> }", "authentication");
    else if (parser.secret(owner, "authentication", name)) secrets.push(name);
  }
  const proved = { ...owner.value, authentication: value };
  return { argument: call === "http" ? { ...args.value, endpoint: proved } : proved, authentication, secrets };
}

function endpointOf(parser: TaskParser, args: Fields): Fields | undefined {
  const endpoint = args.get("endpoint");
  return isObject(endpoint ?? null) ? parser.fields(endpoint as JsonObject, [...args.path, "endpoint"]) : undefined;
}

/** The document's host is granted before anything runs; others that its operations name go under `metadata.logomesh.hosts`. */
function checkOpenApi(parser: TaskParser, args: Fields): void {
  const document = args.get("document");
  if (document === undefined) return;
  const body = isObject(document) ? parser.fields(document, [...args.path, "document"]) : undefined;
  body?.only(["endpoint", "name"], "a document");
  const endpoint = body?.get("endpoint");
  const uri = isObject(endpoint ?? null) ? (endpoint as JsonObject).uri : endpoint;
  if (typeof uri !== "string" || /[{}$\s]/.test(uri) || LITERAL_ORIGIN.exec(uri) === null)
    args.fault("give { endpoint: <literal URL of the OpenAPI document> }", "document");
  if (typeof args.get("operationId") !== "string" && args.has("operationId"))
    args.fault("“operationId” is a text", "operationId");
}

/** A function under `use.functions` is another call with its arguments preset. */
function parseFunctionCall(
  parser: TaskParser,
  { fields, base }: TaskSource,
  { name, argument }: { name: string; argument: JsonObject },
): Task | undefined {
  const found = Object.hasOwn(parser.components.functions, name) ? parser.components.functions[name] : undefined;
  if (!isObject(found ?? null)) {
    const known = [...BUILTIN_CALLS, ...Object.keys(parser.components.functions)];
    fields.fault(`“${name}” is not a function; known are ${known.join(", ")}`, "call");
    return undefined;
  }
  parser.usedComponents.add(`functions/${name}`);
  const body = found as JsonObject;
  if (typeof body.call !== "string" || Object.hasOwn(parser.components.functions, body.call)) {
    fields.fault(`use.functions.${name} must itself be a \`call\` of ${BUILTIN_CALLS.join(", ")}`, "call");
    return undefined;
  }
  const preset = isObject(body.with ?? null) ? (body.with as JsonObject) : {};
  const merged = { ...fields.value, call: body.call, with: { ...preset, ...argument } };
  return parseCall(parser, { fields: parser.fields(merged, fields.path), base });
}

/** The host must be known before anything runs; only path and query may hold placeholders. */
function checkEndpoint(parser: TaskParser, args: Fields): void {
  const endpoint = args.get("endpoint");
  const uri = isObject(endpoint ?? null) ? (endpoint as JsonObject).uri : endpoint;
  if (isObject(endpoint ?? null))
    parser.fields(endpoint as JsonObject, [...args.path, "endpoint"]).only(["uri", "authentication"], "an endpoint");
  if (endpoint === undefined) return;
  const origin = typeof uri === "string" ? LITERAL_ORIGIN.exec(uri)?.[0] : undefined;
  if (origin === undefined || !URL.canParse(origin)) {
    args.fault(
      "the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
      "endpoint",
    );
  }
}

function literalMembers(argument: JsonObject, template: Template): JsonObject {
  if (template.kind === "literal") return argument;
  const literals: JsonObject = {};
  for (const { key, value } of template.kind === "object" ? template.members : []) {
    const literal = literalOf(value);
    if (literal !== undefined) literals[key] = literal;
  }
  return literals;
}
