import { PassThrough } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServerLogger } from "../options.ts";
import { problemOf } from "../problem.ts";

const NDJSON = "application/x-ndjson";
/** Lines that a client may leave unread; what writes them is slower than any client that still reads. */
const UNREAD_BYTES_MAX = 4 * 1_048_576;

export interface StreamLinesOptions {
  call: { signal: AbortSignal; request: FastifyRequest; reply: FastifyReply };
  logger: ServerLogger;
  /** Sends lines while it works; what it resolves to is the last one. */
  work: (send: (line: object) => void, signal: AbortSignal) => Promise<object>;
}

/** Whether the client wants lines as they come. */
export function wantsLines({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes(NDJSON) === true;
}

/** Answers with the status of the call as soon as it is known: at the first line, or at a failure before it. */
export async function streamLines({ call, logger, work }: StreamLinesOptions): Promise<FastifyReply> {
  const lines = new PassThrough();
  const started = Promise.withResolvers<undefined>();
  const overflow = new AbortController();
  let hasSent = false;
  const send = (line: object): void => {
    hasSent = true;
    lines.write(`${JSON.stringify(line)}\n`);
    if (lines.readableLength + lines.writableLength > UNREAD_BYTES_MAX) overflow.abort();
    started.resolve(undefined);
  };
  work(send, AbortSignal.any([call.signal, overflow.signal])).then(
    (last) => {
      send(last);
      lines.end();
    },
    (error: unknown) => {
      if (!hasSent) return started.reject(error);
      send({ problem: problemOf(error, { id: call.request.id, logger }) });
      lines.end();
    },
  );
  await started.promise;
  return call.reply.type(NDJSON).send(lines);
}
