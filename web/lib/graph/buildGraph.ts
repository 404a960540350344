/**
 * The graph of a definition of the Open Workflow Specification: a node for each task, named by the task's reference
 * (`/do/0/greet`), edges where the flow can go. Branches of a `fork` stand side by side and meet in a join; the body of a `for`
 * returns to its head; the `do` of a `catch` is reached by an error.
 */
import type { JsonObject, JsonValue } from "@logomesh/contracts";

export interface GraphNode {
  id: string;
  kind: "start" | "end" | "join" | "task";
  name: string;
  /** Type of the task, and what it calls. */
  type: string;
  detail?: string;
}

export interface GraphEdge {
  from: string;
  to: string;
  kind: "flow" | "loop" | "error";
  label?: string;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export const START = "#start";
export const END = "#end";

/** Where the flow leaves something, before it is known where it arrives. */
interface Exit {
  from: string;
  kind: GraphEdge["kind"];
  label?: string;
}

const TYPES = ["for", "try", "fork", "switch", "call", "set", "raise", "wait", "run", "emit", "listen", "do"];

export function buildGraph(definition: JsonObject): Graph {
  const builder = new GraphBuilder();
  builder.nodes.push({ id: START, kind: "start", name: "Start", type: "start" });
  const exits = builder.list(definition["do"], "/do", [{ from: START, kind: "flow" }]);
  builder.nodes.push({ id: END, kind: "end", name: "End", type: "end" });
  builder.connect(exits, END);
  return { nodes: builder.nodes, edges: builder.edges };
}

class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly edges: GraphEdge[] = [];

  connect(exits: readonly Exit[], to: string): void {
    for (const { from, kind, label } of exits) {
      const isKnown = this.edges.some((edge) => edge.from === from && edge.to === to && edge.label === label);
      if (!isKnown) this.edges.push({ from, to, kind, ...(label === undefined ? {} : { label }) });
    }
  }

  /** Answers where the flow leaves the list. */
  list(value: JsonValue | undefined, reference: string, entry: readonly Exit[]): Exit[] {
    const tasks = namedTasks(value, reference);
    const left: Exit[] = [];
    let pending: Exit[] = [...entry];
    for (const { name, id, body } of tasks) {
      this.connect(pending, id);
      const detail = detailOf(body);
      this.nodes.push({ id, kind: "task", name, type: typeOf(body), ...(detail === undefined ? {} : { detail }) });
      pending = [];
      for (const { exit, then } of this.#leave(body, id)) {
        if (then === undefined || then === "continue") pending.push(exit);
        else if (then === "exit") left.push(exit);
        else if (then === "end") this.connect([exit], END);
        else {
          const target = tasks.find((task) => task.name === then);
          if (target !== undefined) this.connect([exit], target.id);
        }
      }
    }
    return [...left, ...pending];
  }

  /** The exits of one task with the directive that each follows. */
  #leave(body: JsonObject, id: string): { exit: Exit; then: string | undefined }[] {
    const then = textOf(body["then"]);
    const after = (exits: Exit[]) => exits.map((exit) => ({ exit, then }));
    const here: Exit = { from: id, kind: "flow" };
    switch (typeOf(body)) {
      case "switch":
        return this.#cases(body, id);
      case "fork":
        return after([this.#fork(objectOf(body["fork"])["branches"], id)]);
      case "for":
        this.connect(
          this.list(body["do"], `${id}/do`, [{ ...here, label: "each" }]).map((exit) => ({ ...exit, kind: "loop" })),
          id,
        );
        return after([{ ...here, label: "then" }]);
      case "try":
        return [...after(this.list(body["try"], `${id}/try`, [here])), ...this.#catch(body, id)];
      case "do":
        return after(this.list(body["do"], `${id}/do`, [here]));
      case "raise":
        return [];
      default:
        return after([here]);
    }
  }

  #fork(branches: JsonValue | undefined, id: string): Exit {
    const join = `${id}#join`;
    const exits = namedTasks(branches, `${id}/fork/branches`).flatMap((branch) => {
      const detail = detailOf(branch.body);
      this.connect([{ from: id, kind: "flow" }], branch.id);
      this.nodes.push({
        id: branch.id,
        kind: "task",
        name: branch.name,
        type: typeOf(branch.body),
        ...(detail === undefined ? {} : { detail }),
      });
      return this.#leave(branch.body, branch.id).map(({ exit }) => exit);
    });
    this.nodes.push({ id: join, kind: "join", name: "Join", type: "join" });
    this.connect(exits, join);
    return { from: join, kind: "flow" };
  }

  #catch(body: JsonObject, id: string): { exit: Exit; then: string | undefined }[] {
    const clause = objectOf(body["catch"]);
    const then = textOf(clause["then"]) ?? textOf(body["then"]);
    const caught: Exit = { from: id, kind: "error", label: "on error" };
    if (Array.isArray(clause["do"])) {
      return this.list(clause["do"], `${id}/catch/do`, [caught]).map((exit) => ({ exit, then }));
    }
    // With a retry and nothing else, an error that remains goes up.
    return clause["retry"] !== undefined && clause["then"] === undefined ? [] : [{ exit: caught, then }];
  }

  #cases(body: JsonObject, id: string): { exit: Exit; then: string | undefined }[] {
    const cases = Array.isArray(body["switch"]) ? body["switch"] : [];
    const hasDefault = cases.some((entry) =>
      Object.values(objectOf(entry)).some((value) => objectOf(value)["when"] === undefined),
    );
    const exits = cases.flatMap((entry) =>
      Object.entries(objectOf(entry)).map(([name, value]) => {
        const fields = objectOf(value);
        const exit: Exit = { from: id, kind: "flow", label: name };
        return { exit, then: textOf(fields["then"]) };
      }),
    );
    return hasDefault
      ? exits
      : [...exits, { exit: { from: id, kind: "flow", label: "otherwise" }, then: textOf(body["then"]) }];
  }
}

function namedTasks(value: JsonValue | undefined, reference: string): { name: string; id: string; body: JsonObject }[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry, index) =>
    Object.entries(objectOf(entry))
      .slice(0, 1)
      .map(([name, body]) => ({ name, id: taskReference(reference, index, name), body: objectOf(body) })),
  );
}

/** JSON pointer of a task in its list, as runs name it. */
export function taskReference(list: string, index: number, name: string): string {
  return `${list}/${index}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function typeOf(body: JsonObject): string {
  return TYPES.find((type) => body[type] !== undefined) ?? "unknown";
}

/** What tells this task from others of its type. */
function detailOf(body: JsonObject): string | undefined {
  const given = objectOf(body["with"]);
  const call = textOf(body["call"]);
  switch (call) {
    case undefined:
      break;
    case "plugin":
      return `${textOf(given["tool"]) ?? "?"} · ${lastPart(textOf(given["plugin"]))}`;
    case "llm":
      return `model ${textOf(given["model"]) ?? "default"}`;
    default:
      return call;
  }
  if (body["for"] !== undefined) return `each ${textOf(objectOf(body["for"])["each"]) ?? "item"}`;
  if (body["try"] !== undefined) return objectOf(body["catch"])["retry"] === undefined ? undefined : "with retry";
  if (body["run"] !== undefined) return textOf(objectOf(objectOf(body["run"])["workflow"])["name"]);
  return undefined;
}

function lastPart(pluginId: string | undefined): string {
  return pluginId?.split(".").at(-1) ?? "?";
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
