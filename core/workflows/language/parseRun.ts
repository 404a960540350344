import { isExpressionText } from "../expressions/index.ts";
import type { Task } from "./definition.ts";
import type { TaskParser, TaskSource } from "./parseTask.ts";

export function parseRun(parser: TaskParser, { fields, base }: TaskSource): Task | undefined {
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
      ? parser.template(workflow.get("input") ?? null, [...workflow.path, "input"])
      : { kind: "literal", value: {} },
    await: run.flag("await") ?? true,
  };
}
