import type { InputProblem, JsonObject } from "@logomesh/contracts";
import { canonicalJson, sha256Hex } from "../../base/index.ts";
import type { Task, WorkflowDefinition } from "./definition.ts";
import { Fields } from "./fields.ts";
import { parseConcurrency } from "./parseConcurrency.ts";
import { TaskParser, type Components } from "./parseTask.ts";
import type { Path, Problems } from "./problems.ts";
import { readSource } from "./readSource.ts";

export interface ParsedWorkflow {
  /** Undefined when there are problems. */
  definition: WorkflowDefinition | undefined;
  problems: InputProblem[];
  warnings: InputProblem[];
  /** Expressions that only real jq can judge, with where they stand. */
  unchecked: { source: string; problem: InputProblem }[];
}

const DSL_VERSIONS = /^1\.0\.[0-3]$/;
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SEMVER = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
const TOP_FIELDS = ["document", "input", "use", "do", "timeout", "output", "schedule", "evaluate", "metadata"];
/** Parses and checks a definition as YAML 1.2 or JSON text. Never throws for what the text says. */
export function parseWorkflow(source: string): ParsedWorkflow {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  const { value, problems } = readSource(text);
  if (value === undefined) return { definition: undefined, problems: problems.problems, warnings: [], unchecked: [] };
  return readDocument(value, text, problems);
}

function readDocument(value: JsonObject, source: string, problems: Problems): ParsedWorkflow {
  const root = new Fields(value, [], problems);
  root.only(TOP_FIELDS, "a workflow");
  const identity = readIdentity(root);
  if (root.has("schedule")) root.fault("`schedule` is not supported yet", "schedule");
  const evaluate = root.object("evaluate");
  evaluate?.only(["language", "mode"], "evaluate");
  if (evaluate?.has("language") === true && evaluate.get("language") !== "jq")
    evaluate.fault("only jq is supported", "language");
  if (evaluate?.has("mode") === true && evaluate.get("mode") !== "strict")
    evaluate.fault("only strict mode is supported", "mode");
  const components = readComponents(root);
  const parser = new TaskParser(components, problems);
  const definition: WorkflowDefinition = {
    ...identity,
    hash: sha256Hex(canonicalJson(value)),
    document: value,
    source,
    body: parser.list(root.get("do"), ["do"], "/do"),
    tasksByReference: parser.byReference,
  };
  parser.data(root, definition);
  const timeout = parser.timeout(root);
  if (timeout !== undefined) definition.timeout = timeout;
  const concurrency = parseConcurrency(parser, root);
  if (concurrency !== undefined) definition.concurrency = concurrency;
  warn(definition, components, parser.usedComponents, problems);
  return {
    definition: problems.problems.length === 0 ? definition : undefined,
    problems: problems.problems,
    warnings: problems.warnings,
    unchecked: parser.expressions.map(({ source: expression, path }) => ({
      source: expression,
      problem: problems.locate(path, ""),
    })),
  };
}

function readIdentity(
  root: Fields,
): Pick<WorkflowDefinition, "namespace" | "name" | "version" | "dsl" | "title" | "summary"> {
  const document = root.object("document", { required: true });
  document?.only(["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"], "document");
  const dsl = document?.text("dsl", { required: true }) ?? "";
  if (dsl !== "" && !DSL_VERSIONS.test(dsl))
    document?.fault(`dsl ${dsl} is not supported; supported are 1.0.0 to 1.0.3`, "dsl");
  const namespace = document?.text("namespace", { required: true }) ?? "";
  const name = document?.text("name", { required: true }) ?? "";
  const version = document?.text("version", { required: true }) ?? "";
  for (const [field, text] of [
    ["namespace", namespace],
    ["name", name],
  ] as const) {
    if (text !== "" && !NAME.test(text))
      document?.fault(`“${text}”: use small letters, digits and dashes, at most 63`, field);
  }
  if (version !== "" && !SEMVER.test(version))
    document?.fault(`“${version}” is not a semantic version such as 1.0.0`, "version");
  const title = document?.text("title");
  const summary = document?.text("summary");
  return {
    namespace,
    name,
    version,
    dsl,
    ...(title === undefined ? {} : { title }),
    ...(summary === undefined ? {} : { summary }),
  };
}

function readComponents(root: Fields): Components {
  const use = root.object("use");
  use?.only(
    ["functions", "errors", "retries", "timeouts", "secrets", "authentications", "catalogs", "extensions"],
    "use",
  );
  for (const name of ["catalogs", "extensions"]) {
    if (use?.has(name) === true) use.fault(`use.${name} is not supported yet`, name);
  }
  const read = (name: string): JsonObject => use?.object(name)?.value ?? {};
  return {
    functions: read("functions"),
    errors: read("errors"),
    retries: read("retries"),
    timeouts: read("timeouts"),
    authentications: read("authentications"),
    secrets: readSecrets(use),
  };
}

function readSecrets(use: Fields | undefined): string[] {
  const names = use?.get("secrets");
  if (names === undefined) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  use?.fault("`secrets` is a list of names; what they hold is set with `logomesh secret set`", "secrets");
  return [];
}

function warn(
  definition: WorkflowDefinition,
  components: Components,
  used: ReadonlySet<string>,
  problems: Problems,
): void {
  for (const name of components.secrets)
    if (!used.has(`secrets/${name}`)) problems.warn(["use", "secrets"], `the secret ${name} is never used`);
  for (const kind of ["functions", "errors", "retries", "timeouts", "authentications"] as const) {
    for (const name of Object.keys(components[kind])) {
      if (!used.has(`${kind}/${name}`)) problems.warn(["use", kind, name], `use.${kind}.${name} is never used`);
    }
  }
  for (const task of definition.tasksByReference.values()) {
    if (mayActOnce(task) && task.timeout === undefined) {
      problems.warn(pathOf(task.reference), `“${task.name}” changes something outside and has no timeout`);
    }
  }
  for (const task of unreachable(definition))
    problems.warn(pathOf(task.reference), `“${task.name}” can never be reached`);
}

function mayActOnce(task: Task): boolean {
  if (task.type !== "call" || task.call !== "http") return false;
  const method = task.literals.method;
  return task.effect === undefined && typeof method === "string" && !["get", "head"].includes(method.toLowerCase());
}

function pathOf(reference: string): Path {
  return reference
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Tasks behind an unconditional jump that nothing jumps to, in each list. */
function unreachable(definition: WorkflowDefinition): Task[] {
  const found: Task[] = [];
  const visit = (tasks: Task[]): void => {
    const targets = new Set(tasks.flatMap(jumpsOf));
    let open = true;
    for (const task of tasks) {
      if (!open && !targets.has(task.name)) found.push(task);
      else open = true;
      if (task.if === undefined && (alwaysJumps(task) || task.type === "raise")) open = false;
      for (const list of listsOf(task)) visit(list);
    }
  };
  visit(definition.body.tasks);
  return found;
}

function jumpsOf(task: Task): string[] {
  const own = task.then === undefined ? [] : [task.then];
  if (task.type === "switch") return [...own, ...task.cases.map((entry) => entry.then)];
  return task.type === "try" && task.catch.then !== undefined ? [...own, task.catch.then] : own;
}

function alwaysJumps(task: Task): boolean {
  if (task.type === "switch")
    return (
      task.cases.some((entry) => entry.when === undefined) && task.cases.every((entry) => entry.then !== "continue")
    );
  return task.then !== undefined && task.then !== "continue";
}

/** Lists of tasks directly inside a task; branches of a fork are no sequence. */
export function listsOf(task: Task): Task[][] {
  switch (task.type) {
    case "do":
    case "for":
      return [task.tasks.tasks];
    case "try":
      return task.catch.do === undefined ? [task.tasks.tasks] : [task.tasks.tasks, task.catch.do.tasks];
    case "fork":
      return task.branches.tasks.map((branch) => [branch]);
    case "listen":
      return task.foreach === undefined ? [] : [task.foreach.tasks.tasks];
    case "set":
    case "emit":
    case "call":
    case "switch":
    case "raise":
    case "wait":
    case "run":
      return [];
  }
}
