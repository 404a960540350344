import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

export function systemRoutes(workbench: Workbench): HandlersOf<"getStatus"> {
  return { getStatus: () => workbench.status() };
}
