import dagre from "@dagrejs/dagre";
import type { Graph, GraphNode } from "./buildGraph.ts";

export interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

const SIZES: Record<GraphNode["kind"], { width: number; height: number }> = {
  task: { width: 176, height: 48 },
  start: { width: 64, height: 28 },
  end: { width: 64, height: 28 },
  join: { width: 64, height: 24 },
};
const LABEL_CHARACTER_PX = 7;

/** Top left corners by node id, from top to bottom in layers. */
export function layoutGraph(graph: Graph): Map<string, Placed> {
  const layout = new dagre.graphlib.Graph({ multigraph: true });
  layout.setGraph({ rankdir: "TB", nodesep: 16, ranksep: 30, edgesep: 16, marginx: 8, marginy: 8 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) layout.setNode(node.id, { ...SIZES[node.kind] });
  graph.edges.forEach((edge, index) => {
    const label = edge.label === undefined ? {} : { width: edge.label.length * LABEL_CHARACTER_PX, height: 18 };
    // A loop goes back up: laid out the other way round it does not pull its body above its head.
    const [from, to] = edge.kind === "loop" ? [edge.to, edge.from] : [edge.from, edge.to];
    layout.setEdge({ v: from, w: to, name: String(index) }, { ...label, labelpos: "c" });
  });
  dagre.layout(layout);
  return new Map(
    graph.nodes.map((node) => {
      const { x, y } = layout.node(node.id) as { x: number; y: number };
      const { width, height } = SIZES[node.kind];
      return [node.id, { x: x - width / 2, y: y - height / 2, width, height }];
    }),
  );
}
