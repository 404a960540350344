import { LogoMeshError, type InputProblem, type Problem } from "@logomesh/contracts";
import type { FastifyReply, FastifyRequest, FastifySchemaCompiler } from "fastify";
import type { z } from "zod";
import { BODY_BYTES_MAX, type ServerLogger } from "./options.ts";

const PROBLEM_TYPE = "application/problem+json";

/** Fastify's own refusals by their code. */
const REFUSALS: Record<string, (error: Error) => LogoMeshError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new LogoMeshError(
      "LM_TOO_LARGE",
      `The body is larger than ${BODY_BYTES_MAX / 1_048_576} MiB. Pass large data by reference.`,
    ),
  FST_ERR_CTP_INVALID_JSON_BODY: (error) => notJson(error.message),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => notJson("its length is not what Content-Length says"),
  FST_ERR_BAD_URL: () => new LogoMeshError("LM_NOT_FOUND", "The address is not a valid URL path."),
};

export function mediaTypeError(): LogoMeshError {
  return new LogoMeshError(
    "LM_API_MEDIA_TYPE",
    "Requests that change something need `Content-Type: application/json`.",
  );
}

function notJson(reason: string): LogoMeshError {
  return new LogoMeshError("LM_INPUT_INVALID", `The body is not valid JSON: ${reason}`, {
    problems: [{ pointer: "", message: reason }],
  });
}

/** Checks params, query and body against the zod schemas of the route. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (value) => {
    const result = schema.safeParse(value);
    if (result.success) return { value: result.data };
    const problems = result.error.issues.flatMap(inputProblems);
    const where = { params: "path", querystring: "query" }[httpPart ?? ""] ?? "body";
    const first = problems[0];
    const detail = `The ${where} is not valid: ${first?.pointer === "" ? "" : `${first?.pointer ?? ""}: `}${first?.message ?? ""}.`;
    return { error: new LogoMeshError("LM_INPUT_INVALID", detail, { problems }) };
  };
};

function inputProblems(issue: z.core.$ZodIssue): InputProblem[] {
  const at = (path: PropertyKey[]): string =>
    path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return issue.code === "unrecognized_keys"
    ? issue.keys.map((key) => ({ pointer: at([...issue.path, key]), message: "there is no such field" }))
    : [{ pointer: at(issue.path), message: issue.message }];
}

/** The problem that a client may see; what is unexpected stays in the log, under the id of the request. */
export function problemOf(error: unknown, { id, logger }: { id: string; logger: ServerLogger }): Problem {
  const known = knownError(error);
  if (known !== undefined && known.code !== "LM_INTERNAL") return known.toProblem();
  logger.error({ request: id, error: describe(error) }, "a request failed unexpectedly");
  const detail = `The workbench met an unexpected error. Its log has the details under request ${id}.`;
  return { ...new LogoMeshError("LM_INTERNAL", detail).toProblem(), instance: id };
}

function knownError(error: unknown): LogoMeshError | undefined {
  if (error instanceof LogoMeshError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error.name === "AbortError") return new LogoMeshError("LM_CANCELLED", "The operation was cancelled.");
  const refusal = "code" in error && typeof error.code === "string" ? REFUSALS[error.code] : undefined;
  return refusal?.(error);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.code === "LM_API_UNAUTHENTICATED") void reply.header("www-authenticate", "Bearer");
  return reply.status(problem.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}

/** The error handler of the server. */
export function createErrorHandler(logger: ServerLogger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    void sendProblem(reply, problemOf(error, { id: request.id, logger }));
  };
}
