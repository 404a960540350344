import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { isObject } from "../base/index.ts";
import type { McpConnection, McpRequest, RequestOptions } from "./mcpConnection.ts";
import { SERVER_REQUESTS_MAX, type ServerRequests } from "./serverRequests.ts";

// In revision 2026-07-28 a server asks nothing of its client by itself: its answer to a call says what it needs, and the call is sent again
// with that (docs/specification/2026-07-28, "multi round-trip requests"). What it gets is what servers of the older era get.

/** Times that a plugin may ask for input before it answers. */
const ROUNDS_MAX = 8;

export interface InputRoundsOptions extends Pick<RequestOptions, "onProgress"> {
  pluginId: string;
  connection: McpConnection;
  requests: ServerRequests;
}

/** Calls a tool, with what the plugin asks for on the way; a cancel reaches whichever request is under way. */
export function callWithInput(options: InputRoundsOptions, params: JsonObject): McpRequest {
  const { connection, onProgress } = options;
  const send = (more: JsonObject): McpRequest =>
    connection.request("tools/call", { ...params, ...more }, { onProgress, mayAskInput: true });
  let request = send({});
  if (connection.era === "legacy") return request;
  let isCancelled = false;
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  const finish = async (): Promise<JsonObject> => {
    let answer = await request.result;
    for (let round = 0; answer.resultType === "input_required"; round += 1) {
      if (round === ROUNDS_MAX) throw fault(options, `asked for input more than ${ROUNDS_MAX} times in one call`);
      const input = await Promise.race([answerAll(options, { answer, params }), stopped.promise]);
      request = send(input);
      answer = await request.result;
    }
    return answer;
  };
  return {
    result: finish(),
    cancel: (reason, error) => {
      if (isCancelled) return;
      isCancelled = true;
      stopped.reject(error);
      request.cancel(reason, error);
    },
    isSettled: () => request.isSettled(),
  };
}

async function answerAll(
  options: InputRoundsOptions,
  { answer, params }: { answer: JsonObject; params: JsonObject },
): Promise<JsonObject> {
  const { inputRequests = {}, requestState } = answer;
  if (!isObject(inputRequests)) throw fault(options, "asked for input that is no object");
  const asked = Object.entries(inputRequests);
  if (asked.length > SERVER_REQUESTS_MAX)
    throw fault(options, `asked for more than ${SERVER_REQUESTS_MAX} inputs at once`);
  if (asked.length === 0 && typeof requestState !== "string") throw fault(options, "asked for input and not for which");
  const answers = await Promise.all(
    asked.map(async ([key, request]) => [key, await answerOne(options, { request, params })]),
  );
  return {
    ...(asked.length === 0 ? {} : { inputResponses: Object.fromEntries(answers) as JsonObject }),
    ...(typeof requestState === "string" ? { requestState } : {}),
  };
}

/** Without a token of its own, what is asked belongs to the call that it came with. */
async function answerOne(
  options: InputRoundsOptions,
  { request, params }: { request: unknown; params: JsonObject },
): Promise<JsonObject> {
  if (!isObject(request) || typeof request.method !== "string")
    throw fault(options, "asked for input without a method");
  const method = request.method.slice(0, 100);
  const given = isObject(request.params) ? request.params : {};
  const meta = isObject(params._meta) ? params._meta : {};
  const answer = await options.requests.answer(method, { ...given, _meta: meta });
  if (answer === undefined) throw refused(options, `asked for ${method}, which this workbench does not offer.`);
  if ("error" in answer) throw refused(options, `asked for ${method}, which was refused: ${answer.error.message}`);
  return answer.result;
}

function refused({ pluginId }: InputRoundsOptions, what: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_TOOL_FAILED", `${pluginId} ${what}`);
}

function fault({ pluginId }: InputRoundsOptions, what: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_PROTOCOL", `The plugin ${pluginId} ${what}.`);
}
