import { approvalRoutes } from "./routes/approvalRoutes.ts";
import { auditRoutes } from "./routes/auditRoutes.ts";
import { eventRoutes } from "./routes/eventRoutes.ts";
import { llmRoutes } from "./routes/llmRoutes.ts";
import { pluginRoutes } from "./routes/pluginRoutes.ts";
import { policyRoutes } from "./routes/policyRoutes.ts";
import { runRoutes } from "./routes/runRoutes.ts";
import { secretRoutes } from "./routes/secretRoutes.ts";
import { sessionRoutes } from "./routes/sessionRoutes.ts";
import { thoughtRoutes } from "./routes/thoughtRoutes.ts";
import { workflowRoutes } from "./routes/workflowRoutes.ts";

/** Every HTTP route: the server registers from it, the client and OpenAPI are made from it. */
export const ROUTES = {
  ...sessionRoutes,
  ...workflowRoutes,
  ...runRoutes,
  ...pluginRoutes,
  ...llmRoutes,
  ...approvalRoutes,
  ...auditRoutes,
  ...policyRoutes,
  ...secretRoutes,
  ...eventRoutes,
  ...thoughtRoutes,
};

export type RouteName = keyof typeof ROUTES;
