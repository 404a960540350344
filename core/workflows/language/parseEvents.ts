import { isObject, isExpressionText } from "../expressions/index.ts";
import type { JsonObject, JsonValue } from "@logomesh/contracts";
import type { EventFilter, EventStrategy, ListenIterator, Task, TaskBase } from "./definition.ts";
import type { Fields } from "./fields.ts";
import type { TaskParser, TaskSource } from "./parseTask.ts";

// `emit` and `listen`: what is published, and which events are waited for.

const EMIT_FIELDS = ["id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "data"];
const READ_AS = ["data", "envelope", "raw"] as const;
const FILTERS_MAX = 32;
/** Sources that the workbench itself gives, as a proof of who published. */
export const OWN_SOURCE = /^(?:plugin|run|client|workflow|system)(?::|$)/i;
/** What makes a text a regular expression; a dot alone does not, because types are full of them. */
const PATTERN = /[\\^$*+?()[\]{}|]/;

export function parseEmit(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
  const emit = fields.object("emit", { required: true });
  const event = emit?.object("event", { required: true });
  const attributes = event?.object("with", { required: true });
  if (emit === undefined || event === undefined || attributes === undefined) return undefined;
  emit.only(["event"], "emit");
  event.only(["with"], "emit.event");
  const extension = Object.keys(attributes.value).find(
    (name) => !EMIT_FIELDS.includes(name) && !/^[a-z0-9]{1,20}$/.test(name),
  );
  if (extension !== undefined)
    attributes.fault("extension attributes have names of 1 to 20 small letters and digits", extension);
  const eventType = attributes.text("type", { required: true });
  if (eventType === undefined) return undefined;
  if (isExpressionText(eventType)) {
    attributes.fault("“type” must be literal: what a workflow may publish is granted before it runs", "type");
    return undefined;
  }
  const source = attributes.get("source");
  if (typeof source === "string" && OWN_SOURCE.test(source))
    attributes.fault(
      "sources that begin so are given by the workbench; leave it out or give a URI of your own",
      "source",
    );
  return { ...base, type: "emit", eventType, event: parser.template(attributes.value, attributes.path) };
}

export function parseListen(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
  const listen = fields.object("listen", { required: true });
  if (listen === undefined) return undefined;
  listen.only(["to", "read"], "listen");
  const to = parseStrategy(parser, listen, "to");
  const read = listen.text("read") ?? "data";
  const readAs = READ_AS.find((form) => form === read);
  if (readAs === undefined) listen.fault(`“read” is ${READ_AS.join(", ")}`, "read");
  const foreach = parseIterator(parser, fields, base);
  if (to === undefined || readAs === undefined) return undefined;
  return { ...base, type: "listen", to, read: readAs, ...(foreach === undefined ? {} : { foreach }) };
}

/** `one`, `any` with `until`, or `all`. */
export function parseStrategy(parser: TaskParser, owner: Fields, name: string): EventStrategy | undefined {
  const fields = owner.object(name, { required: true });
  if (fields === undefined) return undefined;
  fields.only(["one", "any", "all", "until"], `“${name}”`);
  const kinds = (["one", "any", "all"] as const).filter((kind) => fields.has(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    fields.fault("give exactly one of `one`, `any` and `all`");
    return undefined;
  }
  const listed = kind === "one" ? [fields.get("one") ?? null] : fields.get(kind);
  if (!Array.isArray(listed) || (kind === "all" && listed.length === 0) || listed.length > FILTERS_MAX) {
    fields.fault(
      `\`${kind}\` is a list of ${kind === "all" ? 1 : 0} to ${FILTERS_MAX} filters, each { with: { type: … } }`,
      kind,
    );
    return undefined;
  }
  const filters = listed.flatMap(
    (filter, index) => parseFilter(parser, { fields, filter, path: kind === "one" ? ["one"] : [kind, index] }) ?? [],
  );
  const strategy: EventStrategy = { kind, filters };
  if (!fields.has("until")) return strategy;
  if (kind !== "any") fields.fault("`until` belongs to `any`", "until");
  const until = fields.get("until");
  if (isObject(until ?? null)) {
    const nested = parseStrategy(parser, fields, "until");
    if (nested?.until !== undefined)
      fields.fault("the events that end listening have no `until` of their own", "until", "until");
    if (nested !== undefined) strategy.until = nested;
  } else if (typeof until === "string") strategy.until = parser.expression(fields, "until");
  else if (until === false) strategy.until = { kind: "literal", value: false };
  else fields.fault("`until` is an expression, events to consume, or false", "until");
  return strategy;
}

function parseFilter(
  parser: TaskParser,
  { fields, filter, path }: { fields: Fields; filter: JsonValue; path: (string | number)[] },
): EventFilter | undefined {
  if (!isObject(filter)) {
    fields.fault("a filter is { with: { type: … } }", ...path);
    return undefined;
  }
  const one = parser.fields(filter, [...fields.path, ...path]);
  one.only(["with", "correlate"], "an event filter");
  const attributes = one.object("with", { required: true });
  if (attributes === undefined) return undefined;
  if (Object.keys(attributes.value).length === 0) one.fault("give at least one attribute, for example `type`", "with");
  const result: EventFilter = { attributes: [], correlate: [] };
  for (const [name, value] of Object.entries(attributes.value)) {
    if (name === "data") result.data = parser.template(value, [...attributes.path, name]);
    else result.attributes.push(parseAttribute(parser, attributes, { name, value }));
  }
  for (const [key, value] of Object.entries(one.object("correlate")?.value ?? {})) {
    const correlation = isObject(value) ? parser.fields(value, [...one.path, "correlate", key]) : undefined;
    if (correlation === undefined) {
      one.fault("a correlation is { from: <expression>, expect: <value> }", "correlate", key);
      continue;
    }
    correlation.only(["from", "expect"], "a correlation");
    if (correlation.text("from", { required: true }) === undefined) continue;
    const from = parser.expression(correlation, "from");
    const expect = correlation.get("expect");
    result.correlate.push({
      ...{ key, from },
      ...(expect === undefined ? {} : { expect: parser.template(expect, [...correlation.path, "expect"]) }),
    });
  }
  return result;
}

/** A literal, an expression, or a regular expression for the whole attribute. */
function parseAttribute(
  parser: TaskParser,
  attributes: Fields,
  { name, value }: { name: string; value: JsonValue },
): EventFilter["attributes"][number] {
  const path = [...attributes.path, name];
  if (typeof value === "object") attributes.fault("give a text, a number or a boolean", name);
  const isPattern = typeof value === "string" && !isExpressionText(value) && PATTERN.test(value);
  if (!isPattern) return { name, value: parser.template(value, path) };
  try {
    new RegExp(value, "u");
  } catch {
    attributes.fault("this is no regular expression", name);
  }
  // Matched by real jq, which is bounded in time and memory.
  return { name, pattern: parser.template(`\${ test(${JSON.stringify(`^(?:${value})$`)}) }`, path) };
}

function parseIterator(parser: TaskParser, fields: Fields, base: TaskBase): ListenIterator | undefined {
  const foreach = fields.object("foreach");
  if (foreach === undefined) return undefined;
  foreach.only(["item", "at", "do", "output", "export"], "foreach");
  const iterator: ListenIterator = {
    item: parser.variable(foreach, "item") ?? "item",
    at: parser.variable(foreach, "at") ?? "index",
    tasks: foreach.has("do")
      ? parser.list(foreach.get("do"), [...foreach.path, "do"], `${base.reference}/foreach/do`)
      : { reference: `${base.reference}/foreach/do`, tasks: [], indexOf: new Map() },
  };
  parser.data(parser.fields(without(foreach.value, "input"), foreach.path), iterator);
  return iterator;
}

function without(value: JsonObject, name: string): JsonObject {
  const { [name]: _left, ...rest } = value;
  return rest;
}
