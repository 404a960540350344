import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type ApprovalRoute = "listApprovals" | "getApproval" | "decideApproval" | "undoApproval";

export function approvalRoutes({ approvals }: Workbench): HandlersOf<ApprovalRoute> {
  return {
    listApprovals: ({ query }) => approvals.list(query),
    getApproval: ({ params }) => approvals.get(params.id),
    decideApproval: ({ params, body, identity }) => approvals.decide(params.id, body, identity.caller),
    undoApproval: ({ params, identity }) => approvals.undo(params.id, identity.caller),
  };
}
