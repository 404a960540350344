import {
  ApprovalDetailSchema,
  ApprovalQuerySchema,
  ApprovalSchema,
  DecideApprovalParamsSchema,
} from "../../approvals/approval.ts";
import { pageOf } from "../page.ts";
import { IdParamsSchema, type Route } from "../route.ts";

export const approvalRoutes = {
  listApprovals: {
    method: "GET",
    path: "/api/approvals",
    scope: "admin",
    summary: "List what waits, or waited, for a person, newest first",
    query: ApprovalQuerySchema,
    responses: { 200: pageOf(ApprovalSchema) },
  },
  getApproval: {
    method: "GET",
    path: "/api/approvals/:id",
    scope: "admin",
    summary: "An approval with what is decided about",
    params: IdParamsSchema,
    responses: { 200: ApprovalDetailSchema },
  },
  decideApproval: {
    method: "POST",
    path: "/api/approvals/:id",
    scope: "admin",
    summary: "Approve or reject the content that the hash names, and have it carried out",
    params: IdParamsSchema,
    body: DecideApprovalParamsSchema,
    responses: { 200: ApprovalDetailSchema },
  },
  undoApproval: {
    method: "POST",
    path: "/api/approvals/:id/undo",
    scope: "admin",
    summary: "Take back what an approved file change wrote",
    params: IdParamsSchema,
    responses: { 200: ApprovalDetailSchema },
  },
} as const satisfies Record<string, Route>;
