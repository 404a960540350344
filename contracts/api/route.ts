import { z } from "zod";
import type { Scope } from "./session.ts";

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Fastify syntax: `/api/runs/:id`. */
  readonly path: string;
  /** Which token scope may call it; `none` needs no token. */
  readonly scope: Scope | "none";
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Takes bytes as they come (`application/octet-stream`) instead of the JSON body, at most so many. */
  readonly streamBytesMax?: number;
  /** By HTTP status. Every route may also answer with a problem document. */
  readonly responses: Readonly<Record<number, z.ZodType>>;
}

/** The parameters of a path with an id. */
export const IdParamsSchema = z.object({ id: z.string().min(1).max(200) });

/** Answer of what only succeeds or fails. */
export const OkSchema = z.object({ ok: z.literal(true) });
