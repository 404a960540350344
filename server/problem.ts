import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
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
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new LogoMeshError("LM_INPUT_INVALID", "The body is not as long as its Content-Length says."),
  FST_ERR_BAD_URL: () => new LogoMeshError("LM_NOT_FOUND", "The address is not a valid URL path."),
  // Outside the page's folder, or written in a way that a guard could be walked around by.
  FST_STATIC_FORBIDDEN_PATH: () => new LogoMeshError("LM_NOT_FOUND", "The page has no such file."),
  FST_ERR_MAX_PARAM_LENGTH: () => new LogoMeshError("LM_NOT_FOUND", "A part of the address is too long."),
};

export function mediaTypeError(): LogoMeshError {
  return new LogoMeshError(
    "LM_API_MEDIA_TYPE",
    "Requests that change something need `Content-Type: application/json`.",
  );
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

/** Tells a client that has no token how it would send one (RFC 9110, RFC 6750). */
export function challengeUnauthenticated(reply: FastifyReply, problem: Problem): void {
  if (problem.code === "LM_API_UNAUTHENTICATED") void reply.header("www-authenticate", "Bearer");
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  challengeUnauthenticated(reply, problem);
  return reply.status(problem.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}

/** What Node refuses before there is a request: bytes that are no HTTP, a head beyond its limit, a request that does not end. */
export function createClientErrorHandler(logger: ServerLogger) {
  return ({ code = "" }: NodeJS.ErrnoException, socket: Socket): void => {
    if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    logger.debug({ code }, "a connection sent no valid request");
    const problem = clientError(code).toProblem();
    const body = JSON.stringify(problem);
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  };
}

function clientError(code: string): LogoMeshError {
  if (code === "HPE_HEADER_OVERFLOW")
    return new LogoMeshError("LM_TOO_LARGE", "The head of the request is too large. Send less in headers and address.");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new LogoMeshError("LM_TIMEOUT", "The request did not arrive in time. Send it again.");
  return new LogoMeshError("LM_INPUT_INVALID", "The request is not valid HTTP/1.1.");
}

/** The error handler of the server. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export function createErrorHandler(logger: ServerLogger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    // What is still on its way would stand before the next request of the connection.
    if (hasBody(request) && !request.raw.complete) void reply.header("connection", "close");
    void sendProblem(reply, problemOf(error, { id: request.id, logger }));
  };
}
