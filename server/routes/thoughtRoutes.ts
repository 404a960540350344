import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

export function thoughtRoutes({ thoughts }: Workbench): HandlersOf<"listThoughts" | "getThought" | "createThought"> {
  return {
    listThoughts: ({ query: { tag, ...page } }) => thoughts.list({ ...page, ...(tag === undefined ? {} : { tag }) }),
    getThought: ({ params }) => thoughts.get(params.id),
    createThought: ({ body, identity }) => thoughts.create(body, identity.caller),
  };
}
