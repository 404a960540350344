import { ROUTES } from "../api/routes.ts";
import { LogoMeshError } from "../errors/logoMeshError.ts";
import { ProblemSchema } from "../errors/problem.ts";
import { GenerateChunkSchema, type GenerateChunk } from "../llm/llm.ts";
import { readLines } from "./readLines.ts";
import { parseJson, sendRequest } from "./request.ts";
import type { CreateClientOptions, StreamGenerateOptions } from "./types.ts";

export async function* streamGenerate(
  options: CreateClientOptions,
  call: StreamGenerateOptions,
): AsyncGenerator<GenerateChunk, void, undefined> {
  const response = await sendRequest(options, ROUTES.generate, { ...call, accept: "application/x-ndjson" });
  let ended = false;
  for await (const line of response.body === null ? [] : readLines(response.body)) {
    if (line === "") continue;
    const value = parseJson(line);
    const chunk = GenerateChunkSchema.safeParse(value);
    if (!chunk.success) throw errorOf(value);
    ended = "result" in chunk.data;
    yield chunk.data;
  }
  if (!ended) {
    throw new LogoMeshError("LM_LLM_PROTOCOL", "The workbench's stream ended before the model's result. Try again.");
  }
}

/** A line `{"problem": …}` is an error in the middle of the stream, where the HTTP status is already sent. */
function errorOf(line: unknown): LogoMeshError {
  const isObject = typeof line === "object" && line !== null && "problem" in line;
  const problem = ProblemSchema.safeParse(isObject ? line.problem : undefined);
  if (problem.success) return LogoMeshError.fromProblem(problem.data);
  return new LogoMeshError("LM_LLM_PROTOCOL", "The workbench's stream has a line that is no chunk. Update the client.");
}
