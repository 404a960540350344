import { Handle, Position, type NodeProps } from "@xyflow/react";
import type { Node } from "@xyflow/react";
import { visibleText } from "../../lib/format.ts";
import type { GraphNode } from "../../lib/graph/buildGraph.ts";
import type { NodeState } from "../../lib/graph/taskStates.ts";
import { taskLook } from "../../lib/status.ts";
import { StatusMark } from "../StatusBadge.tsx";
import classes from "./FlowGraph.module.css";

export interface GraphNodeData extends Record<string, unknown> {
  node: GraphNode;
  state: NodeState | undefined;
  isSelected: boolean;
  onSelect: ((reference: string) => void) | undefined;
}

/** Status as colour, icon and word; counts of a loop and of retries. */
export function GraphNodeView({ data }: NodeProps<Node<GraphNodeData>>) {
  const { node, state, isSelected, onSelect } = data;
  const handles = (
    <>
      <Handle type="target" position={Position.Top} className={classes["handle"] ?? ""} />
      <Handle type="source" position={Position.Bottom} className={classes["handle"] ?? ""} />
    </>
  );
  if (node.kind !== "task") {
    return (
      <div className={classes["point"]}>
        {handles}
        {node.name}
      </div>
    );
  }
  const look = state === undefined ? undefined : taskLook(state.status);
  const counts = [
    ...(state !== undefined && state.runs > 1 ? [`× ${state.runs}`] : []),
    ...(state !== undefined && state.attempts > 1 ? [`attempt ${state.attempts}`] : []),
  ].join(", ");
  return (
    <>
      {handles}
      <button
        type="button"
        className={`nodrag ${classes["task"] ?? ""}`}
        data-selected={isSelected}
        data-status={state?.status ?? "none"}
        disabled={onSelect === undefined}
        style={
          look === undefined ? {} : { borderColor: `var(--lm-${look.tone})`, background: `var(--lm-${look.tone}-soft)` }
        }
        onClick={() => onSelect?.(node.id)}
      >
        <span className={classes["title"]}>
          {look === undefined ? null : <StatusMark look={look} />}
          <span className={classes["name"]}>{visibleText(node.name)}</span>
        </span>
        <span className={classes["line"]}>
          <span className={classes["kind"]}>{node.detail ?? node.type}</span>
          {look === undefined ? null : (
            <span style={{ color: `var(--lm-${look.tone})` }}>
              {look.label}
              {counts === "" ? "" : ` ${counts}`}
            </span>
          )}
        </span>
      </button>
    </>
  );
}
