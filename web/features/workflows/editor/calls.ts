/** The functions that a `call` can name, with their arguments. */
import { ContentTypeSchema, type JsonObject } from "@logomesh/contracts";
import { isMapping, mapping, nodeOfSchema, oneOf, type Field, type Node, type Surroundings } from "./grammar.ts";
import { DURATION } from "./values.ts";

interface Call {
  doc: string;
  arguments: (at: Surroundings, given: JsonObject) => Record<string, Field>;
}

const MODEL: Node = {
  values: ({ knowledge }) => knowledge.models.map(({ name, detail }) => ({ value: name, detail })),
};

const SCHEMA_KEYWORDS: Node = {
  fields: () => ({
    type: {
      doc: "The type of the value.",
      node: oneOf("object", "array", "string", "number", "integer", "boolean", "null"),
    },
    title: { doc: "What the value is called." },
    description: { doc: "What the value is for." },
    properties: { doc: "Schemas of the members.", node: { named: () => SCHEMA_KEYWORDS } },
    required: { doc: "Names of the members that must be there." },
    additionalProperties: { doc: "Whether other members are allowed.", node: oneOf("true", "false") },
    items: { doc: "Schema of each item.", node: { fields: (at) => SCHEMA_KEYWORDS.fields?.(at) ?? {} } },
    enum: { doc: "The values that are allowed." },
    default: { doc: "What stands in the form at first." },
    minLength: { doc: "Characters at least." },
    maxLength: { doc: "Characters at most." },
    pattern: { doc: "Regular expression that a text fits." },
    format: { doc: "Kind of text.", node: oneOf("date-time", "date", "email", "uri", "uuid") },
    minimum: { doc: "The smallest number." },
    maximum: { doc: "The largest number." },
    minItems: { doc: "Items at least." },
    maxItems: { doc: "Items at most." },
    anyOf: { doc: "At least one of these schemas fits.", node: { items: () => SCHEMA_KEYWORDS } },
    oneOf: { doc: "Exactly one of these schemas fits.", node: { items: () => SCHEMA_KEYWORDS } },
  }),
};

/** A JSON Schema, as under `schema.document` and in `format` of a model call. */
export const JSON_SCHEMA = SCHEMA_KEYWORDS;

const HTTP: Call = {
  doc: "A request to a literal host, which is granted with the definition.",
  arguments: () => ({
    method: {
      doc: "GET and HEAD are repeated after a crash, others are not.",
      node: oneOf("get", "post", "put", "patch", "delete", "head"),
    },
    endpoint: {
      doc: "The address. The host is literal; path and query may hold {placeholders}.",
      node: mapping({ uri: { doc: "The address." }, authentication: { doc: "How the request proves who sends it." } }),
    },
    headers: { doc: "Headers of the request." },
    query: { doc: "Parameters of the address." },
    body: { doc: "What is sent." },
    output: {
      doc: "What the task answers.",
      node: oneOf(
        { value: "content", detail: "the body, read" },
        { value: "response", detail: "status, headers and body" },
        { value: "raw", detail: "the body in base64" },
      ),
    },
    redirect: { doc: "Whether an answer of 3xx is no error.", node: oneOf("true", "false") },
  }),
};

const OPENAPI: Call = {
  doc: "Does an operation of an OpenAPI document.",
  arguments: () => ({
    document: {
      doc: "Where the document is.",
      node: mapping({ endpoint: { doc: "Its URL, literal: its host is granted with the definition." } }),
    },
    operationId: { doc: "The operation's id in the document." },
    parameters: { doc: "Its parameters by name; a body as `body`, or as the members that are no parameter." },
    authentication: {
      doc: "Who calls: a policy, or the name of one under `use.authentications`.",
      node: mapping({
        basic: { doc: "User and password; { use: <secret> } keeps them out of the definition." },
        bearer: { doc: "A token; { use: <secret> } keeps it out of the definition." },
        digest: { doc: "User and password, never sent as they are." },
        oauth2: { doc: "A token that an authority gives to a client." },
      }),
    },
    output: { doc: "What the task answers.", node: oneOf("content", "response", "raw") },
    redirect: { doc: "Whether an answer of 3xx is no error.", node: oneOf("true", "false") },
  }),
};

const LLM: Call = {
  doc: "Asks a language model. Answers { text, model, … }; with `format` also the value.",
  arguments: () => ({
    model: { doc: "Name or alias of a model, literal. Without it: default.", node: MODEL },
    system: { doc: "Who the model is." },
    prompt: { doc: "The question; either this or `messages`." },
    messages: {
      doc: "A conversation; either this or `prompt`.",
      node: {
        items: () =>
          mapping({
            role: { doc: "Who speaks.", node: oneOf("system", "user", "assistant") },
            content: { doc: "What is said." },
          }),
      },
    },
    format: { doc: "JSON Schema that the answer fits.", node: SCHEMA_KEYWORDS },
    options: {
      doc: "Options of the model.",
      node: mapping({
        temperature: { doc: "0 is the most certain." },
        seed: { doc: "Equal seeds give equal answers." },
        top_p: { doc: "Share of the likeliest words." },
        num_ctx: { doc: "Length of the context, in tokens." },
      }),
    },
    maxTokens: { doc: "Length of the answer at most." },
    timeout: { doc: "The model is stopped after this.", node: DURATION },
  }),
};

const PLUGIN: Call = {
  doc: "Calls a tool of a plugin.",
  arguments: (_at, given) => ({
    plugin: {
      doc: "Id of the plugin, literal: it is granted with the definition.",
      node: { values: ({ knowledge }) => knowledge.plugins.map(({ id, name }) => ({ value: id, detail: name })) },
    },
    tool: {
      doc: "Name of the tool, literal.",
      node: {
        values: ({ knowledge }) =>
          (knowledge.plugins.find(({ id }) => id === given["plugin"])?.tools ?? []).map(({ name, description }) => ({
            value: name,
            ...(description === undefined ? {} : { detail: description }),
          })),
      },
    },
    arguments: {
      doc: "What the tool is given.",
      node: {
        fields: (at) => {
          const plugin = at.knowledge.plugins.find(({ id }) => id === given["plugin"]);
          const tool = plugin?.tools.find(({ name }) => name === given["tool"]);
          return nodeOfSchema(tool?.inputSchema).fields?.(at) ?? {};
        },
      },
    },
  }),
};

const THOUGHT_CREATE: Call = {
  doc: "Keeps a thought, exactly once: it is stored with the step or not at all.",
  arguments: () => ({
    title: { doc: "Its title." },
    body: { doc: "Its text, Markdown." },
    tags: { doc: "Tags to find it by." },
    color: { doc: "Its colour." },
    position: { doc: "Where it lies on the canvas." },
    segments: {
      doc: "Its parts.",
      node: {
        items: () =>
          mapping({
            title: { doc: "Title of the part." },
            content: { doc: "Text of the part." },
            contentType: { doc: "Kind of text.", node: oneOf(...ContentTypeSchema.options) },
            fields: { doc: "Named values." },
          }),
      },
    },
  }),
};

const CALLS: Record<string, Call> = {
  llm: LLM,
  plugin: PLUGIN,
  http: HTTP,
  openapi: OPENAPI,
  "thought.create": THOUGHT_CREATE,
};

/** The functions of the workbench, then those under `use.functions`. */
export const CALL_NAME: Node = {
  values: ({ document }) => [
    ...Object.entries(CALLS).map(([value, { doc }]) => ({ value, detail: doc })),
    ...Object.keys(membersOf(document, "functions")).map((value) => ({ value, detail: "under use.functions" })),
  ],
};

/** `with` of a call: what it takes depends on what is called. */
export const CALL_ARGUMENTS: Node = {
  fields: (at) => {
    const task = at.trail.at(-2);
    const given = at.trail.at(-1);
    const name = isMapping(task) && typeof task["call"] === "string" ? task["call"] : "";
    const own = membersOf(at.document, "functions")[name];
    const called = isMapping(own) && typeof own["call"] === "string" ? own["call"] : name;
    const call = CALLS[called.replace(/:.*/, "")];
    return call?.arguments(at, isMapping(given) ? given : {}) ?? {};
  },
};

/** The parts that a document keeps under `use` for several tasks. */
export function membersOf(document: JsonObject, kind: string): JsonObject {
  const use = document["use"];
  const members = isMapping(use) ? use[kind] : undefined;
  return isMapping(members) ? members : {};
}
