import { z } from "zod";
import {
  DefineWorkflowResultSchema,
  ValidateWorkflowResultSchema,
  WorkflowDetailSchema,
  WorkflowSourceSchema,
  WorkflowSummarySchema,
} from "../../workflows/workflow.ts";
import { PageQuerySchema, pageOf } from "../page.ts";
import { OkSchema, type Route } from "../route.ts";

const workflowKey = z.object({ namespace: z.string().min(1), name: z.string().min(1) });

export const workflowRoutes = {
  defineWorkflow: {
    method: "POST",
    path: "/api/workflows",
    scope: "admin",
    summary: "Store a definition and grant what it names",
    body: WorkflowSourceSchema,
    responses: { 201: DefineWorkflowResultSchema },
  },
  validateWorkflow: {
    method: "POST",
    path: "/api/workflows/validate",
    scope: "run",
    summary: "Check a definition without storing it",
    body: WorkflowSourceSchema,
    responses: { 200: ValidateWorkflowResultSchema },
  },
  listWorkflows: {
    method: "GET",
    path: "/api/workflows",
    scope: "run",
    summary: "List workflows, newest version of each",
    query: PageQuerySchema,
    responses: { 200: pageOf(WorkflowSummarySchema) },
  },
  getWorkflow: {
    method: "GET",
    path: "/api/workflows/:namespace/:name",
    scope: "run",
    summary: "A definition with its source",
    params: workflowKey,
    query: z.object({ version: z.string().optional() }),
    responses: { 200: WorkflowDetailSchema },
  },
  deleteWorkflow: {
    method: "DELETE",
    path: "/api/workflows/:namespace/:name",
    scope: "admin",
    summary: "Delete a workflow; live runs keep their definition",
    params: workflowKey,
    query: z.object({ version: z.string().optional(), force: z.stringbool().optional() }),
    responses: { 200: OkSchema },
  },
} as const satisfies Record<string, Route>;
