import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type WorkflowRoute = "defineWorkflow" | "validateWorkflow" | "listWorkflows" | "getWorkflow" | "deleteWorkflow";

export function workflowRoutes({ workflows }: Workbench): HandlersOf<WorkflowRoute> {
  return {
    defineWorkflow: ({ body, identity }) =>
      workflows.define({ source: body.source, origin: "api", caller: identity.caller }),
    validateWorkflow: ({ body }) => workflows.validate(body.source),
    listWorkflows: ({ query }) => workflows.listWorkflows(query),
    getWorkflow: ({ params, query }) => workflows.getWorkflow(referenceOf(params, query.version)),
    async deleteWorkflow({ params, query, identity }) {
      const options = { force: query.force ?? false, caller: identity.caller };
      await workflows.deleteWorkflow(referenceOf(params, query.version), options);
      return { ok: true };
    },
  };
}

function referenceOf({ namespace, name }: { namespace: string; name: string }, version: string | undefined) {
  return { namespace, name, ...(version === undefined ? {} : { version }) };
}
