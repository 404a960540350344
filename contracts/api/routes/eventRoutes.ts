import { z } from "zod";
import { EventQuerySchema, PublishEventParamsSchema, StoredEventSchema } from "../../events/event.ts";
import { pageOf } from "../page.ts";
import { type Route } from "../route.ts";

export const eventRoutes = {
  publishEvent: {
    method: "POST",
    path: "/api/events",
    scope: "run",
    summary: "Publish an event: a CloudEvent in structured mode",
    body: PublishEventParamsSchema,
    responses: { 202: z.object({ id: z.string() }) },
  },
  listEvents: {
    method: "GET",
    path: "/api/events/stored",
    scope: "run",
    summary: "Events that are kept, newest first",
    query: EventQuerySchema,
    responses: { 200: pageOf(StoredEventSchema) },
  },
} as const satisfies Record<string, Route>;
