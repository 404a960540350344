import type { ROUTES, RouteName } from "@logomesh/contracts";
import type { CallResult } from "@logomesh/contracts/client";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Identity } from "../security.ts";

type OutputOf<R, K extends "params" | "query" | "body"> =
  R extends Record<K, infer S extends z.ZodType> ? z.output<S> : undefined;

/** A validated request of one route. */
export interface RouteCall<N extends RouteName> {
  params: OutputOf<(typeof ROUTES)[N], "params">;
  query: OutputOf<(typeof ROUTES)[N], "query">;
  body: OutputOf<(typeof ROUTES)[N], "body">;
  /** What was sent instead of a body, where the route takes it; to be read once. */
  bytes: (typeof ROUTES)[N] extends { streamBytesMax: number } ? AsyncIterable<Uint8Array> | undefined : undefined;
  /** Who asks; undefined where the route needs no token. */
  identity: (typeof ROUTES)[N]["scope"] extends "none" ? undefined : Identity;
  /** Aborts when the client goes away before the answer is complete. */
  signal: AbortSignal;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** Answers the value of the route's response schema, or sends by itself (a stream) and answers the reply. */
export type RouteHandler<N extends RouteName> = (
  call: RouteCall<N>,
) => CallResult<N> | FastifyReply | Promise<CallResult<N> | FastifyReply>;

export type RouteHandlers = { [N in RouteName]: RouteHandler<N> };
export type HandlersOf<N extends RouteName> = Pick<RouteHandlers, N>;
