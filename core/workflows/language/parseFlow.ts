import { isObject } from "../expressions/index.ts";
import type { JsonObject } from "@logomesh/contracts";
import type { Task } from "./definition.ts";
import type { TaskParser, TaskSource } from "./parseTask.ts";

// Tasks that decide what runs: `fork`, `for`, `switch`.

export function parseFork(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
  const fork = fields.object("fork", { required: true });
  if (fork === undefined) return undefined;
  fork.only(["branches", "compete"], "fork");
  const branches = parser.list(fork.get("branches"), [...fork.path, "branches"], `${base.reference}/fork/branches`);
  return { ...base, type: "fork", branches, compete: fork.flag("compete") ?? false };
}

export function parseFor(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
  const loop = fields.object("for", { required: true });
  if (loop === undefined) return undefined;
  loop.only(["each", "in", "at"], "for");
  const list = loop.get("in");
  if (typeof list !== "string" && !Array.isArray(list))
    loop.fault("“in” is an expression for the list, or the list", ...(list === undefined ? [] : ["in"]));
  const task: Task = {
    ...base,
    type: "for",
    each: parser.variable(loop, "each") ?? "item",
    at: parser.variable(loop, "at") ?? "index",
    in: parser.expression(loop, "in"),
    tasks: parser.list(fields.get("do"), [...fields.path, "do"], `${base.reference}/do`),
  };
  if (fields.has("while")) task.while = parser.expression(fields, "while");
  return task;
}

export function parseSwitch(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
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
    const one = parser.fields(body as JsonObject, [...fields.path, "switch", index, name]);
    one.only(["when", "then"], "a case");
    const then = one.text("then", { required: true });
    return then === undefined
      ? []
      : [{ name, then, ...(one.has("when") ? { when: parser.expression(one, "when") } : {}) }];
  });
  return { ...base, type: "switch", cases };
}
