import { randomUUID } from "node:crypto";
import rateLimit from "@fastify/rate-limit";
import { LogoMeshError } from "@logomesh/contracts";
import { fastify, type FastifyInstance } from "fastify";
import { servedHosts } from "./hosts.ts";
import { acceptBodies } from "./bodies.ts";
import { addMcp } from "./mcp/mcpRoute.ts";
import { addMetrics } from "./metrics.ts";
import { addOpenApi } from "./openApiRoute.ts";
import { BODY_BYTES_MAX, SERVER_LIMITS, type CreateServerOptions } from "./options.ts";
import { addPage } from "./page.ts";
import { createClientErrorHandler, createErrorHandler, validatorCompiler } from "./problem.ts";
import { registerRoutes } from "./routes/registerRoutes.ts";
import { addSecurity } from "./security.ts";
import { addEvents, registerWebSocket } from "./ws/eventRoute.ts";

/** The whole server, not yet listening: tests ask it by `inject`. */
export async function createServer(options: CreateServerOptions): Promise<FastifyInstance> {
  const { workbench, config, logger, webFolder } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const handleError = createErrorHandler(logger);
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    // Idle connections end at once on closing; startServer cuts the rest after the grace period.
    forceCloseConnections: "idle",
    frameworkErrors: handleError,
    clientErrorHandler: createClientErrorHandler(logger),
    // From the first byte to the last of a request; answers may take as long as they need.
    requestTimeout: 60_000,
    // What is under way is finished within the grace period; /readyz says no.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 500 },
    // Given here and not set later, so that Fastify does not load its own compilers: that is a fifth of its start.
    schemaController: {
      compilersFactory: {
        // Fastify types this for Ajv only, but asks no more of it than of setValidatorCompiler.
        buildValidator: (() => validatorCompiler) as never,
        // Handlers are typed by the schemas of their routes, and a test holds every answer against them.
        buildSerializer: () => () => JSON.stringify,
      },
    },
  });
  app.setErrorHandler(handleError);
  acceptBodies(app);
  // Before the checks: a refused upgrade is closed by its hook.
  await registerWebSocket(app);
  addSecurity(app, { workbench, servedHosts: servedHosts(config) });
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, { after }) =>
      new LogoMeshError("LM_API_RATE_LIMITED", `Too many attempts. Try again in ${after}.`),
  });
  addMetrics(app, workbench);
  addOpenApi(app);
  addProbes(app);
  registerRoutes(app, { workbench, logger, loginsPerMinuteMax: limits.loginsPerMinuteMax });
  addEvents(app, { workbench, logger, limits });
  addMcp(app, { workbench, logger, createSessionId: randomUUID });
  await addPage(app, webFolder);
  return app;
}

/** They tell nothing but yes or no, so they need no token. */
function addProbes(app: FastifyInstance): void {
  let closing = false;
  app.addHook("preClose", (done) => {
    closing = true;
    done();
  });
  app.get("/healthz", (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.get("/readyz", (_request, reply) =>
    reply
      .status(closing ? 503 : 200)
      .type("text/plain")
      .send(closing ? "closing\n" : "ok\n"),
  );
}
