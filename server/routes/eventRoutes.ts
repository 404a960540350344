import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

export function eventRoutes({ events }: Workbench): HandlersOf<"publishEvent"> {
  return { publishEvent: ({ body, identity }) => events.publish(body, identity.caller) };
}
