import { z } from "zod";
import {
  CreateSessionParamsSchema,
  CreateTokenParamsSchema,
  SessionSchema,
  SystemStatusSchema,
  TokenSchema,
} from "../session.ts";
import { IdParamsSchema, OkSchema, type Route } from "../route.ts";

export const sessionRoutes = {
  createSession: {
    method: "POST",
    path: "/api/session",
    scope: "none",
    summary: "Exchange a login code for a session token",
    body: CreateSessionParamsSchema,
    responses: { 201: SessionSchema },
  },
  deleteSession: {
    method: "DELETE",
    path: "/api/session",
    scope: "run",
    summary: "Log out: revoke the token that is used",
    responses: { 200: OkSchema },
  },
  createLoginCode: {
    method: "POST",
    path: "/api/session/code",
    scope: "admin",
    summary: "Make a one-time login code",
    responses: { 201: z.object({ code: z.string(), url: z.string(), expiresAt: z.iso.datetime() }) },
  },
  listTokens: {
    method: "GET",
    path: "/api/tokens",
    scope: "admin",
    summary: "List tokens, without their secrets",
    responses: { 200: z.object({ items: z.array(TokenSchema) }) },
  },
  createToken: {
    method: "POST",
    path: "/api/tokens",
    scope: "admin",
    summary: "Create a scoped token; its secret is shown once",
    body: CreateTokenParamsSchema,
    responses: { 201: TokenSchema.extend({ token: z.string() }) },
  },
  deleteToken: {
    method: "DELETE",
    path: "/api/tokens/:id",
    scope: "admin",
    summary: "Revoke a token",
    params: IdParamsSchema,
    responses: { 200: OkSchema },
  },
  getStatus: {
    method: "GET",
    path: "/api/status",
    scope: "run",
    summary: "Model, sandbox and log at a glance",
    responses: { 200: SystemStatusSchema },
  },
} as const satisfies Record<string, Route>;
