import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

export function eventRoutes({ events }: Workbench): HandlersOf<"publishEvent" | "listEvents"> {
  return {
    publishEvent: ({ body, identity }) => events.publish(body, identity.caller),
    listEvents: ({ query }) => events.list(query),
  };
}
