import { z } from "zod";
import { PutSecretParamsSchema, SecretNameSchema, SecretSchema } from "../../secrets/secret.ts";
import { OkSchema, type Route } from "../route.ts";

const secretName = z.object({ name: SecretNameSchema });

export const secretRoutes = {
  listSecrets: {
    method: "GET",
    path: "/api/secrets",
    scope: "admin",
    summary: "List secrets, without their values",
    responses: { 200: z.object({ items: z.array(SecretSchema) }) },
  },
  getSecret: {
    method: "GET",
    path: "/api/secrets/:name",
    scope: "admin",
    summary: "When a secret was set; its value never comes back",
    params: secretName,
    responses: { 200: SecretSchema },
  },
  putSecret: {
    method: "PUT",
    path: "/api/secrets/:name",
    scope: "admin",
    summary: "Keep a secret, or replace its value",
    params: secretName,
    body: PutSecretParamsSchema,
    responses: { 200: SecretSchema },
  },
  deleteSecret: {
    method: "DELETE",
    path: "/api/secrets/:name",
    scope: "admin",
    summary: "Forget a secret",
    params: secretName,
    responses: { 200: OkSchema },
  },
} as const satisfies Record<string, Route>;
