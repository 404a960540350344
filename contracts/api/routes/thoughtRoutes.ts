import { z } from "zod";
import { CreateThoughtParamsSchema, ThoughtDetailSchema, ThoughtSchema } from "../../thoughts/thought.ts";
import { PageQuerySchema, pageOf } from "../page.ts";
import { IdParamsSchema, type Route } from "../route.ts";

export const thoughtRoutes = {
  listThoughts: {
    method: "GET",
    path: "/api/thoughts",
    scope: "run",
    summary: "List thoughts, newest first",
    query: PageQuerySchema.extend({ tag: z.string().optional() }),
    responses: { 200: pageOf(ThoughtSchema) },
  },
  getThought: {
    method: "GET",
    path: "/api/thoughts/:id",
    scope: "run",
    summary: "A thought with its segments",
    params: IdParamsSchema,
    responses: { 200: ThoughtDetailSchema },
  },
  createThought: {
    method: "POST",
    path: "/api/thoughts",
    scope: "run",
    summary: "Create a thought",
    body: CreateThoughtParamsSchema,
    responses: { 201: ThoughtDetailSchema },
  },
} as const satisfies Record<string, Route>;
