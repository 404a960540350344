import { LogoMeshError } from "@logomesh/contracts";
import type { FastifyInstance } from "fastify";
import { mediaTypeError } from "./problem.ts";

/** Lists and objects within each other. Schemas, the database and other languages walk values by recursion, and have less room. */
const NESTING_MAX = 100;

/** Of a body that a route takes as it comes. */
export const BYTES_TYPE = "application/octet-stream";

/** Bodies are JSON, but for routes that take bytes, which read them as they come and count them. An empty body is none: actions without parameters are sent with the JSON type too. */
export function acceptBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ["application/json", "application/cloudevents+json"],
    { parseAs: "string" },
    (request, body, done) => {
      const text = body.toString();
      if (text.length === 0) done(null, undefined);
      else if (nestsDeeperThan(text, NESTING_MAX)) done(tooDeep());
      else void parse(request, text, (error, value) => (error === null ? done(null, value) : done(notJson(text))));
    },
  );
  app.addContentTypeParser(BYTES_TYPE, (request, payload, done) => {
    const { streamBytesMax } = request.routeOptions.config;
    if (streamBytesMax === undefined) done(mediaTypeError());
    else if (Number(request.headers["content-length"] ?? 0) > streamBytesMax) done(tooLarge(streamBytesMax));
    // Not destroyed when its reader stops: the sender is still to be answered.
    else done(null, payload.iterator({ destroyOnReturn: false }));
  });
}

function tooLarge(bytesMax: number): LogoMeshError {
  return new LogoMeshError("LM_TOO_LARGE", `The body is larger than ${bytesMax} bytes.`);
}

/** Counts brackets outside of strings, before anything walks the value. */
function nestsDeeperThan(text: string, max: number): boolean {
  let depth = 0;
  let isString = false;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (isString) {
      if (unit === BACKSLASH) index += 1;
      else if (unit === QUOTE) isString = false;
    } else if (unit === QUOTE) isString = true;
    else if (unit === OPEN_BRACKET || unit === OPEN_BRACE) depth += 1;
    else if (unit === CLOSE_BRACKET || unit === CLOSE_BRACE) depth -= 1;
    if (depth > max) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

function tooDeep(): LogoMeshError {
  const message = `lists and objects are nested more than ${NESTING_MAX} deep`;
  return new LogoMeshError("LM_INPUT_INVALID", `The body is not taken: ${message}.`, {
    problems: [{ pointer: "", message }],
  });
}

/** In the words of the platform's parser, which say where; what it takes was refused for its names. */
function notJson(text: string): LogoMeshError {
  let message = "names like __proto__ are not taken";
  try {
    JSON.parse(text);
  } catch (error) {
    message = (error as Error).message;
  }
  return new LogoMeshError("LM_INPUT_INVALID", `The body is not valid JSON: ${message}`, {
    problems: [{ pointer: "", message }],
  });
}
