import { EffectSchema, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { compileTemplate, isExpressionText, isObject, type Template } from "../expressions/index.ts";
import type { Task, TaskBase, TaskList, Timeout } from "./definition.ts";
import { parseDuration } from "./duration.ts";
import { Fields } from "./fields.ts";
import { parseCall } from "./parseCall.ts";
import { parseCatch, parseRaise } from "./parseErrors.ts";
import { parseEmit, parseListen } from "./parseEvents.ts";
import { parseFor, parseFork, parseSwitch } from "./parseFlow.ts";
import { parseRun } from "./parseRun.ts";
import { toPointer, type Path, type Problems } from "./problems.ts";

/** Reusable parts of a document (`use`), by name. */
export interface Components {
  functions: JsonObject;
  errors: JsonObject;
  retries: JsonObject;
  timeouts: JsonObject;
  authentications: JsonObject;
  /** Names of the secrets that the workflow may use. */
  secrets: readonly string[];
}

export const BASE_FIELDS = ["if", "input", "output", "export", "timeout", "then", "metadata"];
/** Which members make a task of which type, in the order they are looked for (`for` and `try` also use `do`). */
export const TYPES = [
  "for",
  "try",
  "fork",
  "switch",
  "call",
  "set",
  "raise",
  "wait",
  "run",
  "emit",
  "listen",
  "do",
] as const;
export const EXTRA_FIELDS: Record<string, string[]> = {
  for: ["while", "do"],
  try: ["catch"],
  call: ["with"],
  listen: ["foreach"],
};
const DIRECTIVES = ["continue", "exit", "end"];
const TASKS_MAX = 10_000;
const NESTING_MAX = 64;

/** A task on its way into its model: its members, and what every task has. */
export interface TaskSource {
  fields: Fields;
  base: TaskBase;
}

function isOrigin(text: string): boolean {
  return /^https?:\/\/[^/?#@\s]+$/.test(text) && URL.canParse(text);
}

/** Turns task lists into their checked model; faults go to `problems` and parsing goes on. */
export class TaskParser {
  readonly components: Components;
  readonly #problems: Problems;
  #depth = 0;
  readonly byReference = new Map<string, Task>();
  readonly usedComponents = new Set<string>();
  readonly expressions: { source: string; path: Path }[] = [];

  constructor(components: Components, problems: Problems) {
    this.components = components;
    this.#problems = problems;
  }

  list(value: JsonValue | undefined, path: Path, reference: string): TaskList {
    const tasks: Task[] = [];
    const indexOf = new Map<string, number>();
    if (!Array.isArray(value) || value.length === 0) {
      this.#problems.add(path, "give a list of tasks, each `- name: { … }`");
      return { reference, tasks, indexOf };
    }
    if (this.#depth >= NESTING_MAX) {
      this.#problems.add(path, `tasks are nested deeper than ${NESTING_MAX} levels`);
      return { reference, tasks, indexOf };
    }
    this.#depth += 1;
    value.forEach((item, index) => {
      const names = isObject(item) ? Object.keys(item) : [];
      const [name] = names;
      if (!isObject(item) || name === undefined || names.length !== 1) {
        this.#problems.add([...path, index], "each entry has exactly one key: the task's name");
        return;
      }
      if (indexOf.has(name)) this.#problems.add([...path, index, name], `two tasks of this list are called “${name}”`);
      if (DIRECTIVES.includes(name))
        this.#problems.add([...path, index, name], `“${name}” is a flow directive and cannot name a task`);
      indexOf.set(name, index);
      const task = this.#task(item[name] as JsonValue, [...path, index, name], {
        name,
        reference: `${reference}${toPointer([index, name])}`,
      });
      if (task !== undefined) tasks.push(task);
    });
    this.#depth -= 1;
    if (this.byReference.size > TASKS_MAX) this.#problems.add(path, `the workflow has more than ${TASKS_MAX} tasks`);
    this.#checkFlow(value, path, indexOf);
    return { reference, tasks, indexOf };
  }

  /** Every `then` names a directive or a task of the same list. */
  #checkFlow(list: JsonValue[], path: Path, indexOf: ReadonlyMap<string, number>): void {
    const known = [...indexOf.keys()];
    const check = (then: JsonValue | undefined, at: Path): void => {
      // What is no text at all is reported where it is read.
      if (typeof then !== "string" || then === "" || DIRECTIVES.includes(then) || indexOf.has(then)) return;
      this.#problems.add(at, `“${then}” is neither continue, exit, end nor a task of this list (${known.join(", ")})`);
    };
    list.forEach((item, index) => {
      if (!isObject(item)) return;
      for (const [name, task] of Object.entries(item)) {
        if (!isObject(task)) continue;
        check(task.then, [...path, index, name, "then"]);
        if (Array.isArray(task.switch)) {
          task.switch.forEach((entry, caseIndex) => {
            if (!isObject(entry)) return;
            for (const [caseName, body] of Object.entries(entry)) {
              if (isObject(body)) check(body.then, [...path, index, name, "switch", caseIndex, caseName, "then"]);
            }
          });
        }
        if (isObject(task.catch)) check(task.catch.then, [...path, index, name, "catch", "then"]);
      }
    });
  }

  #task(value: JsonValue, path: Path, identity: { name: string; reference: string }): Task | undefined {
    if (!isObject(value)) {
      this.#problems.add(path, "a task is a mapping such as { set: { a: 1 } }");
      return undefined;
    }
    const fields = new Fields(value, path, this.#problems);
    const type = TYPES.find((candidate) => fields.has(candidate));
    if (type === undefined) {
      fields.fault(`the task has no type; give one of ${TYPES.join(", ")}`);
      return undefined;
    }
    fields.only([type, ...(EXTRA_FIELDS[type] ?? []), ...BASE_FIELDS], `a “${type}” task`);
    const task = this.#body(type, fields, this.#base(fields, identity));
    if (task !== undefined) this.byReference.set(task.reference, task);
    return task;
  }

  #base(fields: Fields, { name, reference }: { name: string; reference: string }): TaskBase {
    const base: TaskBase = { name, reference, metadata: fields.object("metadata")?.value ?? {} };
    const declared = base.metadata.logomesh ?? null;
    const own: JsonObject = isObject(declared) ? declared : {};
    if (own.effect !== undefined) {
      const effect = EffectSchema.safeParse(own.effect);
      if (effect.success) base.effect = effect.data;
      else fields.fault("`effect` is pure, idempotent or once", "metadata", "logomesh", "effect");
    }
    if (own.unknown === "ask" || own.unknown === "fail") base.unknown = own.unknown;
    else if (own.unknown !== undefined)
      fields.fault("`unknown` is ask (a person decides) or fail", "metadata", "logomesh", "unknown");
    const hosts = own.hosts;
    if (hosts !== undefined) {
      if (Array.isArray(hosts) && hosts.every((host) => typeof host === "string" && isOrigin(host)))
        base.hosts = hosts as string[];
      else
        fields.fault("`hosts` is a list of origins such as https://api.example.org", "metadata", "logomesh", "hosts");
    }
    if (fields.has("if")) base.if = this.expression(fields, "if");
    this.data(fields, base);
    const timeout = this.timeout(fields);
    if (timeout !== undefined) base.timeout = timeout;
    const then = fields.text("then");
    if (then !== undefined) base.then = then;
    return base;
  }

  /** `input`, `output` and `export`, of tasks and of the document. */
  data(
    fields: Fields,
    target: Pick<TaskBase, "inputSchema" | "inputFrom" | "outputSchema" | "outputAs" | "exportSchema" | "exportAs">,
  ): void {
    const input = fields.object("input");
    const output = fields.object("output");
    const exported = fields.object("export");
    input?.only(["schema", "from"], "input");
    output?.only(["schema", "as"], "output");
    exported?.only(["schema", "as"], "export");
    const inputSchema = this.#schema(input);
    const outputSchema = this.#schema(output);
    const exportSchema = this.#schema(exported);
    if (inputSchema !== undefined) target.inputSchema = inputSchema;
    if (outputSchema !== undefined) target.outputSchema = outputSchema;
    if (exportSchema !== undefined) target.exportSchema = exportSchema;
    if (input?.has("from") === true) target.inputFrom = this.expression(input, "from");
    if (output?.has("as") === true) target.outputAs = this.expression(output, "as");
    if (exported?.has("as") === true) target.exportAs = this.expression(exported, "as");
  }

  #schema(fields: Fields | undefined): { document: JsonObject } | undefined {
    const schema = fields?.object("schema");
    if (schema === undefined) return undefined;
    schema.only(["format", "document", "resource"], "schema");
    if (schema.has("resource"))
      schema.fault("schemas from elsewhere are not supported; put the schema under `document`", "resource");
    const format = schema.text("format");
    if (format !== undefined && !/^json(:|$)/.test(format))
      schema.fault("only JSON Schema (`json`) is supported", "format");
    const document = schema.object("document", { required: !schema.has("resource") });
    return document === undefined ? undefined : { document: document.value };
  }

  timeout(fields: Fields): Timeout | undefined {
    const value = fields.get("timeout");
    if (value === undefined) return undefined;
    const resolved = typeof value === "string" ? this.component("timeouts", value, fields, "timeout") : value;
    if (!isObject(resolved ?? null)) {
      if (resolved !== undefined)
        fields.fault("give `{ after: PT30S }` or the name of a timeout under `use.timeouts`", "timeout");
      return undefined;
    }
    const { after } = resolved as JsonObject;
    new Fields(resolved as JsonObject, [...fields.path, "timeout"], this.#problems).only(["after"], "a timeout");
    const duration = after === undefined ? undefined : this.#duration(after, fields, "timeout", "after");
    if (after === undefined) fields.fault("`after` is missing, for example `after: PT30S`", "timeout");
    return duration === undefined ? undefined : { after: duration };
  }

  /** A part under `use`, by name; a fault where there is none. */
  component(
    kind: Exclude<keyof Components, "secrets">,
    name: string,
    fields: Fields,
    field: string,
  ): JsonValue | undefined {
    const components = this.components[kind];
    if (Object.hasOwn(components, name)) {
      this.usedComponents.add(`${kind}/${name}`);
      return components[name];
    }
    fields.fault(
      `“${name}” is not under use.${kind} (${Object.keys(components).join(", ") || "which is empty"})`,
      field,
    );
    return undefined;
  }

  /** Whether the workflow names the secret under `use.secrets`; a fault where it does not. */
  secret(fields: Fields, field: string, name: string): boolean {
    if (this.components.secrets.includes(name)) {
      this.usedComponents.add(`secrets/${name}`);
      return true;
    }
    fields.fault(
      `“${name}” is not under use.secrets (${this.components.secrets.join(", ") || "which is empty"})`,
      field,
    );
    return false;
  }

  #duration(value: JsonValue, fields: Fields, ...steps: Path): number | Template | undefined {
    if (typeof value === "string" && isExpressionText(value)) return this.template(value, [...fields.path, ...steps]);
    const ms = parseDuration(value);
    if (ms === undefined)
      fields.fault("give a duration such as PT5S or { seconds: 5 }, of at most ten years", ...steps);
    return ms;
  }

  /** The name of a variable, without `$`. */
  variable(fields: Fields, name: string): string | undefined {
    const text = fields.text(name);
    if (text === undefined || /^[A-Za-z_]\w*$/.test(text)) return text;
    fields.fault("a variable name has letters, digits and _, without $", name);
    return undefined;
  }

  /** A duration that is no expression, in milliseconds. */
  fixed(fields: Fields, name: string): number | undefined {
    const value = fields.get(name);
    if (value === undefined) return undefined;
    const ms = parseDuration(value);
    if (ms === undefined) fields.fault("give a duration such as PT5S or { seconds: 5 }", name);
    return ms;
  }

  /** Members of a mapping at a place of the document. */
  fields(value: JsonObject, path: Path): Fields {
    return new Fields(value, path, this.#problems);
  }

  /** A field the specification calls an expression. */
  expression(fields: Fields, name: string): Template {
    return this.template(fields.get(name) ?? null, [...fields.path, name], true);
  }

  template(value: JsonValue, path: Path, bareText = false): Template {
    const template = compileTemplate(value, {
      bareText,
      onFault: (inner, error) =>
        this.#problems.add([...path, ...inner], `the expression does not compile: ${error.message}`),
    });
    this.#remember(template, path);
    return template;
  }

  /** Programs that only real jq can judge are checked by it before the definition is accepted. */
  #remember(template: Template, path: Path): void {
    if (template.kind === "expression" && template.expression.fast === undefined) {
      this.expressions.push({ source: template.expression.source, path });
    }
    if (template.kind === "array") template.items.forEach((item, index) => this.#remember(item, [...path, index]));
    if (template.kind === "object")
      for (const { key, value } of template.members) this.#remember(value, [...path, key]);
  }

  #body(type: (typeof TYPES)[number], fields: Fields, base: TaskBase): Task | undefined {
    const { path } = fields;
    const inner = (...steps: Path): string => `${base.reference}/${steps.join("/")}`;
    switch (type) {
      case "do":
        return { ...base, type, tasks: this.list(fields.get("do"), [...path, "do"], inner("do")) };
      case "set":
        if (!isObject(fields.get("set") ?? null) && typeof fields.get("set") !== "string")
          fields.fault("`set` is a mapping or an expression", "set");
        return { ...base, type, value: this.template(fields.get("set") ?? null, [...path, "set"], true) };
      case "call":
        return parseCall(this, { fields, base });
      case "fork":
        return parseFork(this, { fields, base });
      case "for":
        return parseFor(this, { fields, base });
      case "switch":
        return parseSwitch(this, { fields, base });
      case "try":
        return {
          ...base,
          type,
          tasks: this.list(fields.get("try"), [...path, "try"], inner("try")),
          catch: parseCatch(this, { fields, base }),
        };
      case "raise":
        return parseRaise(this, { fields, base });
      case "wait": {
        const duration = this.#duration(fields.get("wait") ?? null, fields, "wait");
        return duration === undefined ? undefined : { ...base, type, duration };
      }
      case "run":
        return parseRun(this, { fields, base });
      case "emit":
        return parseEmit(this, { fields, base });
      case "listen":
        return parseListen(this, { fields, base });
    }
  }
}
