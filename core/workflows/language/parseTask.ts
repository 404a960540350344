import { EffectSchema, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { compileTemplate, isExpressionText, isObject, type Template } from "../expressions/index.ts";
import type { BuiltinCall, CatchClause, RetryPolicy, Task, TaskBase, TaskList, Timeout } from "./definition.ts";
import { literalOf } from "./definition.ts";
import { parseDuration } from "./duration.ts";
import { Fields } from "./fields.ts";
import { toPointer, type Path, type Problems } from "./problems.ts";

/** Reusable parts of a document (`use`), by name. */
export interface Components {
  functions: JsonObject;
  errors: JsonObject;
  retries: JsonObject;
  timeouts: JsonObject;
}

const BASE_FIELDS = ["if", "input", "output", "export", "timeout", "then", "metadata"];
/** Which members make a task of which type, in the order they are looked for (`for` and `try` also use `do`). */
const TYPES = ["for", "try", "fork", "switch", "call", "set", "raise", "wait", "run", "emit", "listen", "do"] as const;
const EXTRA_FIELDS: Record<string, string[]> = { for: ["while", "do"], try: ["catch"], call: ["with"] };
const BUILTIN_CALLS: readonly BuiltinCall[] = ["http", "llm", "plugin", "thought.create"];
const CALLS_NOT_SUPPORTED = ["openapi", "grpc", "asyncapi", "a2a", "mcp"];
const CALL_REQUIRED: Record<BuiltinCall, readonly string[]> = {
  http: ["method", "endpoint"],
  llm: [],
  plugin: ["plugin", "tool"],
  "thought.create": ["title"],
};
const CALL_FIELDS: Record<BuiltinCall, readonly string[]> = {
  http: ["method", "endpoint", "headers", "body", "query", "output", "redirect"],
  llm: ["model", "system", "prompt", "messages", "format", "options", "maxTokens", "timeout"],
  plugin: ["plugin", "tool", "arguments"],
  "thought.create": ["title", "body", "tags", "color", "position", "segments"],
};
const DIRECTIVES = ["continue", "exit", "end"];
/** `name:version@catalog`, the specification's form for a function of a catalog. */
const CATALOG_CALL = /^([a-z][a-z.]*):(\d+\.\d+\.\d+)@default$/;
/** Up to path, query or fragment, without user, placeholder or backslash (which the URL parser takes for a slash). */
const LITERAL_ORIGIN = /^https?:\/\/[^/\\{}$\s?#@]+(?=[/?#]|$)/;
const TASKS_MAX = 10_000;
const NESTING_MAX = 64;

/** Turns task lists into their checked model; faults go to `problems` and parsing goes on. */
export class TaskParser {
  readonly #components: Components;
  readonly #problems: Problems;
  #depth = 0;
  readonly byReference = new Map<string, Task>();
  readonly usedComponents = new Set<string>();
  readonly expressions: { source: string; path: Path }[] = [];

  constructor(components: Components, problems: Problems) {
    this.#components = components;
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
    const resolved = typeof value === "string" ? this.#component("timeouts", value, fields, "timeout") : value;
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

  #component(kind: keyof Components, name: string, fields: Fields, field: string): JsonValue | undefined {
    const components = this.#components[kind];
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

  #duration(value: JsonValue, fields: Fields, ...steps: Path): number | Template | undefined {
    if (typeof value === "string" && isExpressionText(value)) return this.template(value, [...fields.path, ...steps]);
    const ms = parseDuration(value);
    if (ms === undefined)
      fields.fault("give a duration such as PT5S or { seconds: 5 }, of at most ten years", ...steps);
    return ms;
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
        return this.#call(fields, base);
      case "fork":
        return this.#fork(fields, base);
      case "for":
        return this.#for(fields, base);
      case "switch":
        return this.#switch(fields, base);
      case "try":
        return {
          ...base,
          type,
          tasks: this.list(fields.get("try"), [...path, "try"], inner("try")),
          catch: this.#catch(fields, base),
        };
      case "raise":
        return this.#raise(fields, base);
      case "wait": {
        const duration = this.#duration(fields.get("wait") ?? null, fields, "wait");
        return duration === undefined ? undefined : { ...base, type, duration };
      }
      case "run":
        return this.#run(fields, base);
      case "emit":
      case "listen":
        fields.fault(`“${type}” tasks are not supported yet`, type);
        return undefined;
    }
  }

  #call(fields: Fields, base: TaskBase): Task | undefined {
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
    if (!BUILTIN_CALLS.includes(call as BuiltinCall)) return this.#callFunction(fields, base, call, argument);
    const builtin = call as BuiltinCall;
    const args = new Fields(argument, [...fields.path, "with"], this.#problems);
    args.only(CALL_FIELDS[builtin], `“call: ${builtin}”`);
    for (const name of CALL_REQUIRED[builtin])
      if (!args.has(name)) args.fault(`“${name}” is missing in “call: ${builtin}”`);
    if (builtin === "llm" && args.has("prompt") === args.has("messages"))
      args.fault("give either `prompt` or `messages`");
    const template = this.template(argument, args.path);
    const literals = literalMembers(argument, template);
    for (const name of builtin === "plugin" ? ["plugin", "tool"] : []) {
      if (args.has(name) && typeof literals[name] !== "string") {
        args.fault(`“${name}” must be a literal text: what a workflow may call is granted before it runs`, name);
      }
    }
    if (builtin === "llm" && args.has("model") && typeof literals.model !== "string") {
      args.fault(
        "“model” must be a literal name or alias: what a workflow may call is granted before it runs",
        "model",
      );
    }
    if (builtin === "http") this.#endpoint(args);
    return { ...base, type: "call", call: builtin, with: template, literals };
  }

  /** A function under `use.functions` is another call with its arguments preset. */
  #callFunction(fields: Fields, base: TaskBase, name: string, argument: JsonObject): Task | undefined {
    const found = Object.hasOwn(this.#components.functions, name) ? this.#components.functions[name] : undefined;
    if (!isObject(found ?? null)) {
      const known = [...BUILTIN_CALLS, ...Object.keys(this.#components.functions)];
      fields.fault(`“${name}” is not a function; known are ${known.join(", ")}`, "call");
      return undefined;
    }
    this.usedComponents.add(`functions/${name}`);
    const body = found as JsonObject;
    if (typeof body.call !== "string" || Object.hasOwn(this.#components.functions, body.call)) {
      fields.fault(`use.functions.${name} must itself be a \`call\` of ${BUILTIN_CALLS.join(", ")}`, "call");
      return undefined;
    }
    const preset = isObject(body.with ?? null) ? (body.with as JsonObject) : {};
    const merged = { ...fields.value, call: body.call, with: { ...preset, ...argument } };
    return this.#call(new Fields(merged, fields.path, this.#problems), base);
  }

  /** The host must be known before anything runs; only path and query may hold placeholders. */
  #endpoint(args: Fields): void {
    const endpoint = args.get("endpoint");
    const uri = isObject(endpoint ?? null) ? (endpoint as JsonObject).uri : endpoint;
    if (isObject(endpoint ?? null))
      new Fields(endpoint as JsonObject, [...args.path, "endpoint"], this.#problems).only(
        ["uri", "authentication"],
        "an endpoint",
      );
    if (endpoint === undefined) return;
    const origin = typeof uri === "string" ? LITERAL_ORIGIN.exec(uri)?.[0] : undefined;
    if (origin === undefined || !URL.canParse(origin)) {
      args.fault(
        "the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
        "endpoint",
      );
    }
    if (isObject(endpoint ?? null) && Object.hasOwn(endpoint as JsonObject, "authentication")) {
      args.fault("authentication of HTTP calls is not supported yet", "endpoint", "authentication");
    }
  }

  #fork(fields: Fields, base: TaskBase): Task | undefined {
    const fork = fields.object("fork", { required: true });
    if (fork === undefined) return undefined;
    fork.only(["branches", "compete"], "fork");
    const branches = this.list(fork.get("branches"), [...fork.path, "branches"], `${base.reference}/fork/branches`);
    return { ...base, type: "fork", branches, compete: fork.flag("compete") ?? false };
  }

  #for(fields: Fields, base: TaskBase): Task | undefined {
    const loop = fields.object("for", { required: true });
    if (loop === undefined) return undefined;
    loop.only(["each", "in", "at"], "for");
    const list = loop.get("in");
    if (typeof list !== "string" && !Array.isArray(list))
      loop.fault("“in” is an expression for the list, or the list", ...(list === undefined ? [] : ["in"]));
    const task: Task = {
      ...base,
      type: "for",
      each: this.#variable(loop, "each") ?? "item",
      at: this.#variable(loop, "at") ?? "index",
      in: this.expression(loop, "in"),
      tasks: this.list(fields.get("do"), [...fields.path, "do"], `${base.reference}/do`),
    };
    if (fields.has("while")) task.while = this.expression(fields, "while");
    return task;
  }

  #variable(fields: Fields, name: string): string | undefined {
    const text = fields.text(name);
    if (text === undefined || /^[A-Za-z_]\w*$/.test(text)) return text;
    fields.fault("a variable name has letters, digits and _, without $", name);
    return undefined;
  }

  #switch(fields: Fields, base: TaskBase): Task | undefined {
    const entries = fields.get("switch");
    if (!Array.isArray(entries) || entries.length === 0) {
      fields.fault("`switch` is a list of cases, each `- name: { when: …, then: … }`", "switch");
      return undefined;
    }
    const cases = entries.flatMap((entry, index) => {
      const [name] = isObject(entry) ? Object.keys(entry) : [];
      const body = isObject(entry) && name !== undefined ? entry[name] : undefined;
      if (name === undefined || !isObject(body ?? null)) {
        fields.fault("a case is `- name: { when: …, then: … }`", "switch", index);
        return [];
      }
      const one = new Fields(body as JsonObject, [...fields.path, "switch", index, name], this.#problems);
      one.only(["when", "then"], "a case");
      const then = one.text("then", { required: true });
      return then === undefined
        ? []
        : [{ name, then, ...(one.has("when") ? { when: this.expression(one, "when") } : {}) }];
    });
    return { ...base, type: "switch", cases };
  }

  #catch(fields: Fields, base: TaskBase): CatchClause {
    const clause: CatchClause = { as: "error" };
    const body = fields.object("catch", { required: true });
    if (body === undefined) return clause;
    body.only(["errors", "as", "when", "exceptWhen", "retry", "do", "then"], "catch");
    const errors = body.object("errors");
    errors?.only(["with"], "errors");
    const filter = errors?.object("with");
    if (filter !== undefined) {
      filter.only(["type", "status", "instance", "title", "detail", "details"], "errors.with");
      clause.errorsWith = this.template(filter.value, filter.path);
    }
    clause.as = this.#variable(body, "as") ?? "error";
    if (body.has("when")) clause.when = this.expression(body, "when");
    if (body.has("exceptWhen")) clause.exceptWhen = this.expression(body, "exceptWhen");
    const retry = body.get("retry");
    if (retry !== undefined) {
      const resolved = typeof retry === "string" ? this.#component("retries", retry, body, "retry") : retry;
      if (isObject(resolved ?? null))
        clause.retry = this.#retry(new Fields(resolved as JsonObject, [...body.path, "retry"], this.#problems));
      else if (resolved !== undefined)
        body.fault("give a retry policy or the name of one under `use.retries`", "retry");
    }
    if (body.has("do")) clause.do = this.list(body.get("do"), [...body.path, "do"], `${base.reference}/catch/do`);
    const then = body.text("then");
    if (then !== undefined) clause.then = then;
    return clause;
  }

  #retry(fields: Fields): RetryPolicy {
    fields.only(["when", "exceptWhen", "delay", "backoff", "limit", "jitter"], "a retry policy");
    const policy: RetryPolicy = { delayMs: this.#fixed(fields, "delay") ?? 0, backoff: "constant" };
    const backoff = fields.object("backoff");
    backoff?.only(["constant", "linear", "exponential"], "backoff");
    if (backoff?.has("linear") === true) policy.backoff = "linear";
    if (backoff?.has("exponential") === true) policy.backoff = "exponential";
    if (fields.has("when")) policy.when = this.expression(fields, "when");
    if (fields.has("exceptWhen")) policy.exceptWhen = this.expression(fields, "exceptWhen");
    const limit = fields.object("limit");
    limit?.only(["attempt", "duration"], "limit");
    const attempt = limit?.object("attempt");
    attempt?.only(["count", "duration"], "limit.attempt");
    const count = attempt?.get("count");
    if (typeof count === "number" && Number.isInteger(count) && count >= 1) policy.attemptsMax = count;
    else if (count !== undefined) attempt?.fault("`count` is a whole number from 1 on", "count");
    const durationMsMax = limit === undefined ? undefined : this.#fixed(limit, "duration");
    const attemptDurationMsMax = attempt === undefined ? undefined : this.#fixed(attempt, "duration");
    if (attemptDurationMsMax !== undefined) policy.attemptDurationMsMax = attemptDurationMsMax;
    if (durationMsMax !== undefined) policy.durationMsMax = durationMsMax;
    const jitter = fields.object("jitter");
    jitter?.only(["from", "to"], "jitter");
    if (jitter !== undefined)
      policy.jitter = { fromMs: this.#fixed(jitter, "from") ?? 0, toMs: this.#fixed(jitter, "to") ?? 0 };
    return policy;
  }

  #fixed(fields: Fields, name: string): number | undefined {
    const value = fields.get(name);
    if (value === undefined) return undefined;
    const ms = parseDuration(value);
    if (ms === undefined) fields.fault("give a duration such as PT5S or { seconds: 5 }", name);
    return ms;
  }

  #raise(fields: Fields, base: TaskBase): Task | undefined {
    const raise = fields.object("raise", { required: true });
    const error = raise?.get("error");
    if (raise === undefined || error === undefined) {
      raise?.fault("“error” is missing");
      return undefined;
    }
    raise.only(["error"], "raise");
    const resolved = typeof error === "string" ? this.#component("errors", error, raise, "error") : error;
    if (!isObject(resolved ?? null)) {
      if (resolved !== undefined)
        raise.fault("give an error with `type` and `status`, or the name of one under `use.errors`", "error");
      return undefined;
    }
    const body = new Fields(resolved as JsonObject, [...raise.path, "error"], this.#problems);
    body.only(["type", "status", "title", "detail", "instance"], "an error");
    const { status } = body.value;
    if (status !== undefined && !isStatus(status))
      body.fault("`status` is a whole number from 100 to 599, or an expression", "status");
    for (const name of ["type", "status"]) if (!body.has(name)) body.fault(`“${name}” is missing in the error`);
    return { ...base, type: "raise", error: this.template(body.value, body.path) };
  }

  #run(fields: Fields, base: TaskBase): Task | undefined {
    const run = fields.object("run", { required: true });
    if (run === undefined) return undefined;
    run.only(["workflow", "container", "script", "shell", "await", "return"], "run");
    for (const kind of ["container", "script", "shell"]) {
      if (run.has(kind)) {
        run.fault(`“run: ${kind}” is not supported yet; supported is workflow`, kind);
        return undefined;
      }
    }
    const workflow = run.object("workflow", { required: true });
    const namespace = workflow?.text("namespace", { required: true });
    const name = workflow?.text("name", { required: true });
    const version = workflow?.text("version") ?? "latest";
    if (workflow === undefined || namespace === undefined || name === undefined) return undefined;
    workflow.only(["namespace", "name", "version", "input"], "run.workflow");
    for (const [field, text] of Object.entries({ namespace, name, version })) {
      if (isExpressionText(text))
        workflow.fault(`“${field}” must be literal: what a workflow may start is granted before it runs`, field);
    }
    if (run.has("return")) run.fault("“return” is for processes; a workflow answers its output", "return");
    return {
      ...base,
      type: "run",
      workflow: { namespace, name, version },
      input: workflow.has("input")
        ? this.template(workflow.get("input") ?? null, [...workflow.path, "input"])
        : { kind: "literal", value: {} },
      await: run.flag("await") ?? true,
    };
  }
}

function isStatus(value: JsonValue): boolean {
  if (typeof value === "string") return isExpressionText(value);
  return typeof value === "number" && Number.isInteger(value) && value >= 100 && value <= 599;
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
