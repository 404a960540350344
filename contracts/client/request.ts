import type { Route } from "../api/route.ts";
import { LogoMeshError } from "../errors/logoMeshError.ts";
import { ProblemSchema } from "../errors/problem.ts";
import type { CreateClientOptions } from "./types.ts";

/** What a call of any route may carry, before the types of the single route narrow it. */
export interface AnyCall {
  params?: Record<string, unknown>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Sent as they are, instead of the body. */
  bytes?: Blob;
  signal?: AbortSignal | undefined;
}

export function tokenOf(options: CreateClientOptions): string | undefined {
  return typeof options.token === "function" ? options.token() : options.token;
}

/** @throws TypeError when a parameter of the path is missing */
export function urlOf(baseUrl: string, route: Pick<Route, "path">, call: AnyCall): string {
  const path = route.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = call.params?.[name];
    if (typeof value !== "string" && typeof value !== "number") throw new TypeError(`${route.path} needs ${name}.`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${baseUrl.replace(/\/+$/, "")}${path}${query.size === 0 ? "" : `?${query}`}`;
}

/**
 * Sends a request and passes on the answer when it is a success.
 * @throws LogoMeshError the problem that the server answered, or LM_API_NO_SERVER; an abort passes through untouched
 */
export async function sendRequest(
  options: CreateClientOptions,
  route: Route,
  { accept, ...call }: AnyCall & { accept?: string },
): Promise<Response> {
  const fetch = options.fetch ?? globalThis.fetch;
  const token = tokenOf(options);
  const headers: Record<string, string> = { accept: accept ?? "application/json" };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  // Also without a body: the type keeps forms of foreign pages from reaching a route.
  if (route.method !== "GET")
    headers["content-type"] = call.bytes === undefined ? "application/json" : "application/octet-stream";
  const url = urlOf(options.baseUrl, route, call);
  let response: Response;
  try {
    response = await fetch(url, {
      method: route.method,
      headers,
      ...(route.method === "GET" ? {} : { body: call.bytes ?? JSON.stringify(call.body ?? {}) }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    throw noServer(options.baseUrl, error);
  }
  if (response.ok) return response;
  throw await problemOf(response);
}

export function noServer(baseUrl: string, cause: unknown): LogoMeshError {
  return new LogoMeshError(
    "LM_API_NO_SERVER",
    `No workbench answers at ${baseUrl}. Start it with \`script/start\` in the workspace's clone.`,
    { cause },
  );
}

async function problemOf(response: Response): Promise<LogoMeshError> {
  const text = await response.text();
  const problem = ProblemSchema.safeParse(parseJson(text));
  if (problem.success) return LogoMeshError.fromProblem(problem.data);
  return new LogoMeshError(
    "LM_INTERNAL",
    `${response.url} answered ${response.status} without a problem document: is it a LogoMesh workbench?`,
  );
}

/** Undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
