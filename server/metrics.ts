import type { Workbench } from "@logomesh/core";
import type { FastifyInstance } from "fastify";
import { Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

/** `/metrics` in the format of Prometheus: process, requests, open WebSockets, size of the log, what waits for its turn. */
export function addMetrics(app: FastifyInstance, { audit, workflows }: Workbench): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "logomesh_http_request_duration_seconds",
    help: "Time from a request's head to the end of its answer, by route.",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    registers: [registry],
  });
  new Gauge({
    name: "logomesh_websockets",
    help: "Open connections to /api/events.",
    registers: [registry],
    collect() {
      this.set(app.websocketServer.clients.size);
    },
  });
  new Gauge({
    name: "logomesh_audit_entries",
    help: "Entries of the audit log.",
    registers: [registry],
    collect() {
      this.set(audit.head().entries);
    },
  });
  new Gauge({
    name: "logomesh_workflow_steps",
    help: "Steps of runs that are performed or wait for their turn, by what they share; `all` are the steps of all runs.",
    labelNames: ["queue", "state"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name: queue, running, waiting } of workflows.stepQueues()) {
        this.set({ queue, state: "running" }, running);
        this.set({ queue, state: "waiting" }, waiting);
      }
    },
  });
  new Gauge({
    name: "logomesh_workflow_runs",
    help: "Runs of workflows that limit how many go on at once: those that have a place and those that wait for one.",
    labelNames: ["workflow", "state"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { queue: workflow, running, waiting } of workflows.runQueues()) {
        this.set({ workflow, state: "running" }, running);
        this.set({ workflow, state: "waiting" }, waiting);
      }
    },
  });
  app.addHook("onResponse", (request, reply, done) => {
    // Paths that are no route would make as many series as there are paths.
    const route = request.routeOptions.url ?? "unknown";
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
  app.get("/metrics", { config: { scope: "metrics" }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  app.addHook("onClose", () => registry.clear());
}
