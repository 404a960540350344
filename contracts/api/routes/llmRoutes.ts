import { z } from "zod";
import {
  GenerateParamsSchema,
  GenerateResultSchema,
  ModelChoiceSchema,
  ModelsStatusSchema,
  ProviderInfoSchema,
} from "../../llm/llm.ts";
import { type Route } from "../route.ts";

const aliasName = z.object({ alias: z.string().min(1).max(50) });

export const llmRoutes = {
  getModels: {
    method: "GET",
    path: "/api/llm/models",
    scope: "llm",
    summary: "Models, providers and aliases",
    responses: { 200: ModelsStatusSchema },
  },
  getProviders: {
    method: "GET",
    path: "/api/llm/providers",
    scope: "llm",
    summary: "Which providers answer",
    responses: { 200: z.object({ items: z.array(ProviderInfoSchema) }) },
  },
  setModelAlias: {
    method: "PUT",
    path: "/api/llm/aliases/:alias",
    scope: "admin",
    summary: "Choose which of the models that are offered a name stands for",
    params: aliasName,
    body: ModelChoiceSchema,
    responses: { 200: ModelsStatusSchema },
  },
  clearModelAlias: {
    method: "DELETE",
    path: "/api/llm/aliases/:alias",
    scope: "admin",
    summary: "Leave it to the workbench again which model a name stands for",
    params: aliasName,
    responses: { 200: ModelsStatusSchema },
  },
  generate: {
    method: "POST",
    path: "/api/llm/generate",
    scope: "llm",
    summary: "Ask a model; NDJSON stream with `Accept: application/x-ndjson`",
    body: GenerateParamsSchema,
    responses: { 200: GenerateResultSchema },
  },
} as const satisfies Record<string, Route>;
