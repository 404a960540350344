/** Every page, its place in the URL, and what of its view state the URL holds. Pages load with their route. */
import { ApprovalKindSchema, ApprovalStatusSchema, AuditQuerySchema, RunStatusSchema } from "@logomesh/contracts";
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { ProblemAlert } from "../components/States.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";
import { Shell } from "./Shell.tsx";

const rootRoute = createRootRouteWithContext<{ cache: QueryClient }>()({
  component: Shell,
  notFoundComponent: NotFoundPage,
  errorComponent: ({ error, reset }) => <ProblemAlert error={error} onRetry={reset} />,
});

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: lazyRouteComponent(() => import("../features/home/HomePage.tsx"), "HomePage"),
});

const runsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs",
  validateSearch: (search: Record<string, unknown>) => ({
    ...pick("status", RunStatusSchema.safeParse(search["status"]).data),
    ...pick("q", textOf(search["q"])),
  }),
  component: lazyRouteComponent(() => import("../features/runs/RunsPage.tsx"), "RunsPage"),
});
const runRoute = createRoute({
  getParentRoute: () => runsRoute,
  path: "/$runId",
  validateSearch: (search: Record<string, unknown>) => ({
    ...pick("tab", oneOf(["graph", "timeline", "tasks", "io", "compare"] as const, search["tab"])),
    ...pick("with", textOf(search["with"])),
    ...pick("task", numberOf(search["task"])),
  }),
  component: lazyRouteComponent(() => import("../features/runs/RunDetail.tsx"), "RunDetail"),
});

const workflowsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/workflows",
  component: lazyRouteComponent(() => import("../features/workflows/WorkflowsPage.tsx"), "WorkflowsPage"),
});
const newWorkflowRoute = createRoute({
  getParentRoute: () => workflowsRoute,
  path: "/new",
  component: lazyRouteComponent(() => import("../features/workflows/NewWorkflow.tsx"), "NewWorkflow"),
});
const workflowRoute = createRoute({
  getParentRoute: () => workflowsRoute,
  path: "/$namespace/$name",
  validateSearch: (search: Record<string, unknown>) => ({
    ...pick("tab", oneOf(["start", "source", "versions"] as const, search["tab"])),
    ...pick("base", textOf(search["base"])),
    ...pick("version", textOf(search["version"])),
  }),
  component: lazyRouteComponent(() => import("../features/workflows/WorkflowDetailPage.tsx"), "WorkflowDetailPage"),
});

const pluginsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/plugins",
  component: lazyRouteComponent(() => import("../features/plugins/PluginsPage.tsx"), "PluginsPage"),
});
const pluginRoute = createRoute({
  getParentRoute: () => pluginsRoute,
  path: "/$pluginId",
  validateSearch: (search: Record<string, unknown>) => ({
    ...pick("tab", oneOf(["tools", "permissions", "logs"] as const, search["tab"])),
    ...pick("tool", textOf(search["tool"])),
  }),
  component: lazyRouteComponent(() => import("../features/plugins/PluginDetail.tsx"), "PluginDetail"),
});

const approvalsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/approvals",
  validateSearch: (search: Record<string, unknown>) => ({
    ...pick("status", oneOf([...ApprovalStatusSchema.options, "all"], search["status"])),
    ...pick("kind", ApprovalKindSchema.safeParse(search["kind"]).data),
  }),
  component: lazyRouteComponent(() => import("../features/approvals/ApprovalsPage.tsx"), "ApprovalsPage"),
});
const approvalRoute = createRoute({
  getParentRoute: () => approvalsRoute,
  path: "/$approvalId",
  component: lazyRouteComponent(() => import("../features/approvals/ApprovalDetailPage.tsx"), "ApprovalDetailPage"),
});

const policyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/policy",
  validateSearch: (search: Record<string, unknown>) => ({ ...pick("rule", textOf(search["rule"])) }),
  component: lazyRouteComponent(() => import("../features/policy/PolicyPage.tsx"), "PolicyPage"),
});

const auditRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/audit",
  validateSearch: (search: Record<string, unknown>) => AuditQuerySchema.safeParse(search).data ?? {},
  component: lazyRouteComponent(() => import("../features/audit/AuditPage.tsx"), "AuditPage"),
});
const auditEntryRoute = createRoute({
  getParentRoute: () => auditRoute,
  path: "/$seq",
  component: lazyRouteComponent(() => import("../features/audit/AuditEntryDetail.tsx"), "AuditEntryDetail"),
});

const routeTree = rootRoute.addChildren([
  homeRoute,
  runsRoute.addChildren([runRoute]),
  workflowsRoute.addChildren([newWorkflowRoute, workflowRoute]),
  pluginsRoute.addChildren([pluginRoute]),
  approvalsRoute.addChildren([approvalRoute]),
  policyRoute,
  auditRoute.addChildren([auditEntryRoute]),
]);

export function createAppRouter(cache: QueryClient) {
  return createRouter({ routeTree, context: { cache }, defaultPreload: "intent", defaultPreloadStaleTime: 0 });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text !== "" ? text : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function oneOf<const T extends string>(values: readonly T[], value: unknown): T | undefined {
  return values.find((known) => known === value);
}

/** Leaves out what is not set, so that URLs stay short. */
function pick<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V | undefined>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
