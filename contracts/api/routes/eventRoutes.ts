import { z } from "zod";
import { PublishEventParamsSchema } from "../../events/event.ts";
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
} as const satisfies Record<string, Route>;
