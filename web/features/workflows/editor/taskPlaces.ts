/** Which task stands where in the text: so that graph and caret can follow each other. */
import type { JsonObject } from "@logomesh/contracts";
import { LineCounter, isMap, isPair, isScalar, isSeq, parseDocument, type Node, type Pair } from "yaml";
import { taskReference } from "../../../lib/graph/buildGraph.ts";
import { valueOf } from "./findPlace.ts";

export interface TaskPlace {
  /** As the graph names its nodes. */
  reference: string;
  /** Characters from the start of the text. */
  from: number;
  to: number;
  line: number;
  column: number;
}

export interface ReadSource {
  definition: JsonObject;
  tasks: readonly TaskPlace[];
}

/** For the graph beside the editor; undefined while the text is not a mapping. */
export function readSource(source: string): ReadSource | undefined {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, logLevel: "silent" });
  if (document.errors.length > 0) return undefined;
  const definition = valueOf(document);
  if (definition === undefined) return undefined;
  const tasks: TaskPlace[] = [];
  visitLists(document.contents, "", (pair, reference) => {
    const { key, value } = pair as Pair<Node, Node | null>;
    const from = key.range?.[0] ?? 0;
    const to = value?.range?.[2] ?? key.range?.[2] ?? from;
    const { line, col: column } = lines.linePos(from);
    tasks.push({ reference, from, to, line, column });
  });
  return { definition, tasks };
}

/** The innermost task that the caret stands in. */
export function taskAt(tasks: readonly TaskPlace[], offset: number): TaskPlace | undefined {
  // Tasks come in order of their text: the last that begins before and has not ended is the innermost.
  return tasks.findLast(({ from, to }) => from <= offset && offset <= to);
}

type OnTask = (pair: Pair, reference: string) => void;

/** Where tasks hold lists of tasks. */
const LISTS = ["do", "fork/branches", "try", "catch/do", "foreach/do"];

function visitLists(holder: unknown, reference: string, onTask: OnTask): void {
  if (!isMap(holder)) return;
  for (const path of LISTS) {
    const list = holder.getIn(path.split("/"), true);
    if (!isSeq(list)) continue;
    list.items.forEach((entry, index) => {
      const pair = isMap(entry) ? entry.items[0] : undefined;
      if (!isPair(pair) || !isScalar(pair.key)) return;
      const inner = taskReference(`${reference}/${path}`, index, String(pair.key.value));
      onTask(pair, inner);
      visitLists(pair.value, inner, onTask);
    });
  }
}
