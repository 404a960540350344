/** A workflow's graph; with the states of a run its nodes light up. */
import "@xyflow/react/dist/style.css";
import {
  Background,
  Controls,
  MarkerType,
  ReactFlow,
  type Edge,
  type Node,
  type ReactFlowInstance,
} from "@xyflow/react";
import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { Text, useComputedColorScheme } from "@mantine/core";
import type { JsonObject } from "@logomesh/contracts";
import { formatCount } from "../../lib/format.ts";
import { buildGraph, type Graph } from "../../lib/graph/buildGraph.ts";
import { layoutGraph, type Placed } from "../../lib/graph/layoutGraph.ts";
import type { NodeState } from "../../lib/graph/taskStates.ts";
import classes from "./FlowGraph.module.css";
import { GraphNodeView, type GraphNodeData } from "./GraphNodeView.tsx";

interface FlowGraphProps {
  definition: JsonObject;
  states?: ReadonlyMap<string, NodeState>;
  /** Reference of the chosen task. */
  selected?: string | undefined;
  onSelect?: (reference: string) => void;
  /** Tasks without a state can be chosen too. */
  areAllSelectable?: boolean;
}

type Instance = ReactFlowInstance<Node<GraphNodeData>>;

/** More than this cannot be read as a graph, and laying it out would stop the page. */
const NODES_MAX = 600;
const PADDING_PX = 24;
const FIT = { padding: 0.04, minZoom: 0.4, maxZoom: 1 };

const NODE_TYPES = { step: GraphNodeView };
const NO_STATES: ReadonlyMap<string, NodeState> = new Map();

export function FlowGraph(props: FlowGraphProps) {
  const graph = useMemo(() => buildGraph(props.definition), [props.definition]);
  if (graph.nodes.length > NODES_MAX) {
    return (
      <Text c="dimmed" p="xl" style={{ flex: 1 }}>
        This workflow has {formatCount(graph.nodes.length, "node")}: too many to read as a graph, which ends at{" "}
        {NODES_MAX}.
      </Text>
    );
  }
  return <DrawnGraph graph={graph} {...props} />;
}

function DrawnGraph(props: FlowGraphProps & { graph: Graph }) {
  const { graph, states = NO_STATES, selected, onSelect, areAllSelectable = false } = props;
  const scheme = useComputedColorScheme("light");
  const frame = useRef<HTMLDivElement>(null);
  const [instance, setInstance] = useState<Instance>();
  const laidOut = useMemo(() => ({ graph, places: layoutGraph(graph) }), [graph]);
  useFollowing({ frame, instance, places: laidOut.places, selected });
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
          data: {
            node,
            state: states.get(node.id),
            isSelected: node.id === selected,
            onSelect: areAllSelectable || states.has(node.id) ? onSelect : undefined,
          },
          draggable: false,
          connectable: false,
          focusable: false,
        };
      }),
    [laidOut, states, selected, onSelect, areAllSelectable],
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
    <div ref={frame} className={classes["graph"]} role="group" aria-label="Graph of the workflow">
      <ReactFlow
        onInit={setInstance}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={scheme}
        fitView
        fitViewOptions={FIT}
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

interface Following {
  frame: RefObject<HTMLDivElement | null>;
  instance: Instance | undefined;
  places: ReadonlyMap<string, Placed>;
  selected: string | undefined;
}

/** Brings the chosen node into sight, and fits the whole again when other nodes are there. */
function useFollowing({ frame, instance, places, selected }: Following): void {
  const shape = useMemo(() => [...places.keys()].join("\n"), [places]);
  const drawn = useRef(shape);
  const place = selected === undefined ? undefined : places.get(selected);
  useEffect(() => {
    if (instance === undefined || drawn.current === shape) return;
    drawn.current = shape;
    void instance.fitView(FIT);
  }, [instance, shape]);
  useEffect(() => {
    const box = frame.current?.getBoundingClientRect();
    if (instance === undefined || place === undefined || box === undefined) return;
    const { x, y, zoom } = instance.getViewport();
    const left = place.x * zoom + x;
    const top = place.y * zoom + y;
    const isInSight =
      left >= PADDING_PX &&
      top >= PADDING_PX &&
      left + place.width * zoom <= box.width - PADDING_PX &&
      top + place.height * zoom <= box.height - PADDING_PX;
    if (!isInSight) void instance.setCenter(place.x + place.width / 2, place.y + place.height / 2, { zoom });
  }, [frame, instance, place]);
}
