import { LogoMeshError, type Scope } from "@logomesh/contracts";
import type { Caller, Workbench } from "@logomesh/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { BYTES_TYPE } from "./bodies.ts";
import { createHostCheck, isSameOrigin } from "./hosts.ts";
import { mediaTypeError } from "./problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Requests have no body that matters, whatever their method. */
    hasNoBody?: boolean;
    /** It takes bytes as they come, too, at most so many. */
    streamBytesMax?: number;
    /** Which scope the route needs; undefined and `none` need no token. */
    scope?: Scope | "none";
  }
  interface FastifyRequest {
    /** Set where the route needs a scope. */
    identity: Identity | undefined;
  }
}

export interface Identity {
  caller: Caller;
  tokenId: string;
  /** Plugin tools that the token was made for. */
  tools: readonly string[];
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/** Mantine and the graph set style elements and attributes, hence the one exception, for styles; pictures of the editor are `data:`. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Every request passes here, in this order, before its body is read: headers, host, origin, token and scope, media type. */
export function addSecurity(
  app: FastifyInstance,
  { workbench, servedHosts }: { workbench: Workbench; servedHosts: readonly string[] },
): void {
  const isAllowedHost = createHostCheck(servedHosts);
  app.decorateRequest("identity", undefined);
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(SECURITY_HEADERS);
    if (request.url.startsWith("/api/")) void reply.header("cache-control", "no-store");
    const { host, origin } = request.headers;
    if (!isAllowedHost(host)) {
      throw new LogoMeshError(
        "LM_API_ORIGIN",
        `The host ${JSON.stringify(host ?? "")} is not served. Use http://127.0.0.1, or name it in allowedHosts of logomesh.yaml.`,
      );
    }
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new LogoMeshError("LM_API_ORIGIN", `Pages of ${JSON.stringify(origin)} may not use this workbench.`);
    }
    const { scope = "none", hasNoBody = false, streamBytesMax } = request.routeOptions.config;
    if (scope !== "none") request.identity = identify(workbench, request, scope);
    if (hasNoBody || READING.has(request.method)) return;
    // Neither type is one that a form of a foreign page can send.
    const type = request.headers["content-type"];
    if (!isJson(type) && !(streamBytesMax !== undefined && type === BYTES_TYPE)) throw mediaTypeError();
  });
}

/** @throws LogoMeshError LM_API_UNAUTHENTICATED, LM_API_FORBIDDEN */
function identify(workbench: Workbench, request: FastifyRequest, scope: Scope): Identity {
  const token = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(request.headers.authorization ?? "")?.[1];
  return requireIdentity(workbench, { token, scope });
}

/** @throws LogoMeshError LM_API_UNAUTHENTICATED, LM_API_FORBIDDEN */
export function requireIdentity(
  workbench: Workbench,
  { token, scope }: { token: string | undefined; scope: Scope },
): Identity {
  const identity = token === undefined ? undefined : workbench.access.authenticate(token);
  if (identity === undefined) {
    throw new LogoMeshError(
      "LM_API_UNAUTHENTICATED",
      token === undefined
        ? "The request has no bearer token. `script/logomesh login` prints a login link."
        : "The token is unknown, expired or revoked. `script/logomesh login` prints a new login link.",
    );
  }
  const { scopes } = identity.caller;
  if (!scopes.includes("admin") && !scopes.includes(scope)) {
    throw new LogoMeshError(
      "LM_API_FORBIDDEN",
      `This needs a token with the scope \`${scope}\`; the token has ${scopes.length === 0 ? "none" : scopes.join(", ")}.`,
    );
  }
  return identity;
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/(cloudevents\+)?json\s*(;|$)/i.test(contentType ?? "");
}
