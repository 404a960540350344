import { LogoMeshError, type JsonObject } from "@logomesh/contracts";

/** Of one line of a stream: a chunk carries a few words, the longest lines hold a tool call. */
const LINE_BYTES_MAX = 1024 * 1024;

const NEWLINE = 10;

/**
 * The objects of a stream of JSON lines.
 * @throws LogoMeshError LM_LLM_PROTOCOL for a line that is too long, no UTF-8, or no object
 */
export async function* readJsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array): void => {
    length += piece.byteLength;
    if (length > LINE_BYTES_MAX)
      throw new LogoMeshError("LM_LLM_PROTOCOL", `The model server sent a line of more than ${LINE_BYTES_MAX} bytes.`);
    pieces.push(piece);
  };
  const take = (): Buffer => {
    const line = Buffer.concat(pieces);
    pieces = [];
    length = 0;
    return line;
  };
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield* parseLine(take());
    }
    if (start < chunk.byteLength) add(chunk.subarray(start));
  }
  yield* parseLine(take());
}

function parseLine(bytes: Uint8Array): JsonObject[] {
  let value: unknown;
  try {
    const line = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
    if (line === "") return [];
    value = JSON.parse(line);
  } catch (error) {
    const start = Buffer.from(bytes.subarray(0, 200)).toString("latin1");
    throw new LogoMeshError("LM_LLM_PROTOCOL", `The model server sent a line that is no JSON: ${start}`, {
      cause: error,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new LogoMeshError("LM_LLM_PROTOCOL", "The model server sent a line that is no object.");
  return [value as JsonObject];
}
