import type { z } from "zod";
import type { Route } from "../api/route.ts";
import { ROUTES } from "../api/routes.ts";
import { LogoMeshError } from "../errors/logoMeshError.ts";
import type { ErrorCode } from "../errors/catalogue.ts";
import { ProblemSchema } from "../errors/problem.ts";
import { GenerateChunkSchema, type GenerateChunk } from "../llm/llm.ts";
import { CallToolChunkSchema, type CallToolChunk } from "../plugins/plugin.ts";
import { readLines } from "./readLines.ts";
import { parseJson, sendRequest, type AnyCall } from "./request.ts";
import type { CallOptions, CreateClientOptions, StreamGenerateOptions } from "./types.ts";

export function streamGenerate(
  options: CreateClientOptions,
  call: StreamGenerateOptions,
): AsyncGenerator<GenerateChunk, void> {
  return streamLines(options, {
    call,
    route: ROUTES.generate,
    schema: GenerateChunkSchema,
    brokenCode: "LM_LLM_PROTOCOL",
  });
}

export function streamCallTool(
  options: CreateClientOptions,
  call: CallOptions<"callTool">,
): AsyncGenerator<CallToolChunk, void> {
  return streamLines(options, { call, route: ROUTES.callTool, schema: CallToolChunkSchema, brokenCode: "LM_INTERNAL" });
}

interface Stream<Chunk extends object> {
  call: AnyCall;
  route: Route;
  schema: z.ZodType<Chunk>;
  /** Of a stream that is none, or ends before its result. */
  brokenCode: ErrorCode;
}

/** Lines as they arrive; the last has the `result`. */
async function* streamLines<Chunk extends object>(
  options: CreateClientOptions,
  { call, route, schema, brokenCode }: Stream<Chunk>,
): AsyncGenerator<Chunk, void, undefined> {
  const response = await sendRequest(options, route, { ...call, accept: "application/x-ndjson" });
  let ended = false;
  for await (const line of response.body === null ? [] : readLines(response.body)) {
    if (line === "") continue;
    const value = parseJson(line);
    const chunk = schema.safeParse(value);
    if (!chunk.success) throw errorOf(value, brokenCode);
    ended = "result" in chunk.data;
    yield chunk.data;
  }
  if (!ended) throw new LogoMeshError(brokenCode, "The workbench's stream ended before the result. Try again.");
}

/** A line `{"problem": …}` is an error in the middle of the stream, where the HTTP status is already sent. */
function errorOf(line: unknown, brokenCode: ErrorCode): LogoMeshError {
  const isObject = typeof line === "object" && line !== null && "problem" in line;
  const problem = ProblemSchema.safeParse(isObject ? line.problem : undefined);
  if (problem.success) return LogoMeshError.fromProblem(problem.data);
  return new LogoMeshError(brokenCode, "The workbench's stream has a line that is no chunk. Update the client.");
}
