/** A workflow's graph; with the states of a run its nodes light up. */
import "@xyflow/react/dist/style.css";
import { useComputedColorScheme } from "@mantine/core";
import { Background, Controls, MarkerType, ReactFlow, type Edge, type Node } from "@xyflow/react";
import { useMemo } from "react";
import type { JsonObject } from "@logomesh/contracts";
import { buildGraph } from "../../lib/graph/buildGraph.ts";
import { layoutGraph } from "../../lib/graph/layoutGraph.ts";
import type { NodeState } from "../../lib/graph/taskStates.ts";
import classes from "./FlowGraph.module.css";
import { GraphNodeView, type GraphNodeData } from "./GraphNodeView.tsx";

interface FlowGraphProps {
  definition: JsonObject;
  states?: ReadonlyMap<string, NodeState>;
  /** Reference of the chosen task. */
  selected?: string | undefined;
  onSelect?: (reference: string) => void;
}

const NODE_TYPES = { step: GraphNodeView };
const NO_STATES: ReadonlyMap<string, NodeState> = new Map();

export function FlowGraph({ definition, states = NO_STATES, selected, onSelect }: FlowGraphProps) {
  const scheme = useComputedColorScheme("light");
  const laidOut = useMemo(() => {
    const graph = buildGraph(definition);
    return { graph, places: layoutGraph(graph) };
  }, [definition]);
  const nodes = useMemo(
    () =>
      laidOut.graph.nodes.map((node): Node<GraphNodeData> => {
        const place = laidOut.places.get(node.id) ?? { x: 0, y: 0, width: 0, height: 0 };
        return {
          id: node.id,
          type: "step",
          position: { x: place.x, y: place.y },
          width: place.width,
          height: place.height,
          data: { node, state: states.get(node.id), isSelected: node.id === selected, onSelect },
          draggable: false,
          connectable: false,
          focusable: false,
        };
      }),
    [laidOut, states, selected, onSelect],
  );
  const edges = useMemo(
    () =>
      laidOut.graph.edges.map((edge, index): Edge => {
        const isTaken = states.has(edge.from) && (states.has(edge.to) || edge.to.startsWith("#"));
        return {
          id: String(index),
          source: edge.from,
          target: edge.to,
          type: edge.kind === "loop" ? "default" : "smoothstep",
          ...(edge.label === undefined ? {} : { label: edge.label }),
          className: `${classes["edge"] ?? ""} ${classes[edge.kind] ?? ""} ${isTaken ? (classes["taken"] ?? "") : ""}`,
          markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 },
          focusable: false,
        };
      }),
    [laidOut, states],
  );
  return (
    <div className={classes["graph"]} role="group" aria-label="Graph of the workflow">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={scheme}
        fitView
        fitViewOptions={{ padding: 0.04, minZoom: 0.4, maxZoom: 1 }}
        minZoom={0.2}
        maxZoom={1.5}
        nodesDraggable={false}
        nodesConnectable={false}
        elementsSelectable={false}
        panOnScroll
        proOptions={{ hideAttribution: false }}
      >
        <Background gap={16} size={1} />
        <Controls showInteractive={false} position="bottom-right" />
      </ReactFlow>
    </div>
  );
}
