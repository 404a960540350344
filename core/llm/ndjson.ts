import { LogoMeshError, type JsonObject } from "@logomesh/contracts";

/** Of one line of a stream. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;

/** The objects of a stream of JSON lines. @throws LogoMeshError LM_LLM_PROTOCOL for a line that is too long or no object */
export async function* readJsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end).trim();
      rest = rest.slice(end + 1);
      if (line !== "") yield parseLine(line);
    }
    if (rest.length > LINE_CHARS_MAX)
      throw new LogoMeshError(
        "LM_LLM_PROTOCOL",
        `The model server sent a line of more than ${LINE_CHARS_MAX} characters.`,
      );
  }
  if (rest.trim() !== "") yield parseLine(rest.trim());
}

function parseLine(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new LogoMeshError("LM_LLM_PROTOCOL", `The model server sent a line that is no JSON: ${line.slice(0, 200)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new LogoMeshError("LM_LLM_PROTOCOL", "The model server sent a line that is no object.");
  return value as JsonObject;
}
