import type { Route } from "../api/route.ts";
import { ROUTES, type RouteName } from "../api/routes.ts";
import { LogoMeshError } from "../errors/logoMeshError.ts";
import { parseJson, sendRequest, type AnyCall } from "./request.ts";
import { streamCallTool, streamGenerate } from "./streamLines.ts";
import type { CallResult, Client, CreateClientOptions, RouteMethods } from "./types.ts";
import { watchEvents } from "./watchEvents.ts";

/**
 * The API of a workbench as typed methods, for browsers and Node.js: `client.startRun({ body })`, `client.getRun({ params: { id } })`.
 * Every method throws the LogoMeshError that the server answered; an abort of the signal passes through as the fetch's own error.
 */
export function createClient(options: CreateClientOptions): Client {
  const methods = Object.fromEntries(
    Object.entries<Route>(ROUTES).map(([name, route]) => [
      name,
      (call: AnyCall = {}) => callRoute(options, route, call),
    ]),
  ) as { [N in RouteName]: (call?: AnyCall) => Promise<unknown> };
  return {
    ...(methods as unknown as RouteMethods),
    sendPlugin: async ({ bundle, name, signal }) =>
      (await callRoute(options, ROUTES.installPlugin, {
        query: { name },
        bytes: bundle,
        signal,
      })) as CallResult<"installPlugin">,
    streamGenerate: (call) => streamGenerate(options, call),
    streamCallTool: (call) => streamCallTool(options, call),
    watchEvents: (watch) => watchEvents(options, watch),
  };
}

async function callRoute(options: CreateClientOptions, route: Route, call: AnyCall): Promise<unknown> {
  const response = await sendRequest(options, route, call);
  // The server validated nothing less than these schemas; parsing again would only cost time.
  const value = parseJson(await response.text());
  if (value === undefined) {
    throw new LogoMeshError(
      "LM_INTERNAL",
      `${response.url} answered no JSON: is ${options.baseUrl} a LogoMesh workbench?`,
    );
  }
  return value;
}
