import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import { LogoMeshError } from "@logomesh/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendProblem } from "./problem.ts";

const NOT_BUILT = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>LogoMesh</title></head>
  <body>
    <h1>LogoMesh is running</h1>
    <p>The web page is not built yet. Run <code>npm run build -w @logomesh/web</code> in the clone, then start again;
    <code>script/start</code> does both.</p>
    <p>Everything is also in the command line: <code>script/logomesh --help</code>.</p>
  </body>
</html>
`;

/** Serves the built page; every path that is neither API nor file is a link into it. */
export async function addPage(app: FastifyInstance, webFolder: string | undefined): Promise<void> {
  const index = webFolder === undefined ? undefined : join(webFolder, "index.html");
  const isBuilt = index !== undefined && existsSync(index);
  if (isBuilt) {
    await app.register(fastifyStatic, {
      root: webFolder as string,
      cacheControl: false,
      setHeaders(response, path) {
        // The build names files below assets/ after their content.
        const isNamedByContent = path.includes("/assets/");
        void response.header("cache-control", isNamedByContent ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
  }
  app.setNotFoundHandler((request, reply) => {
    if (!isNavigation(request)) return notFound(request, reply);
    if (isBuilt) return reply.sendFile("index.html");
    return reply.type("text/html").header("cache-control", "no-cache").send(NOT_BUILT);
  });
}

/** The build puts its files at the top and below assets/; deeper, a dot belongs to an id: /plugins/org.example.wordcount. */
const FILE = /^\/(assets\/|[^/]+\.\w+$)|%2e|\.\./i;

/** A browser opening a page, not a program asking for something that is not there. */
function isNavigation({ method, url, headers }: FastifyRequest): boolean {
  const path = url.split("?", 1)[0] ?? "";
  const isApi = /^\/(api|v1|mcp|metrics)(\/|$)/.test(path);
  return method === "GET" && !isApi && !FILE.test(path) && headers.accept?.includes("text/html") === true;
}

function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = `There is no ${request.method} ${request.url.split("?", 1)[0] ?? ""}. /api/openapi.json lists what there is.`;
  return sendProblem(reply, new LogoMeshError("LM_NOT_FOUND", detail).toProblem());
}
