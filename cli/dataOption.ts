import type { JsonValue } from "@logomesh/contracts";
import { readTextFile, textOption } from "./arguments.ts";
import { UsageError } from "./context.ts";

/** Of commands that send data as JSON. */
export const DATA_OPTIONS = {
  data: { type: "string", help: "its data, as JSON" },
  "data-file": { type: "string", help: "a file with its data as JSON; - is standard input" },
} as const;

/** What `--data` or `--data-file` say. @throws UsageError for both, and for what is no JSON */
export async function dataOption(
  args: Parameters<typeof textOption>[0],
  context: Parameters<typeof readTextFile>[1],
): Promise<JsonValue | undefined> {
  const file = textOption(args, "data-file");
  const inline = textOption(args, "data");
  if (file !== undefined && inline !== undefined) throw new UsageError("Give --data or --data-file, not both.");
  const text = file === undefined ? inline : (await readTextFile(file, context)).text;
  return text === undefined ? undefined : parseData(text);
}

function parseData(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The data is not JSON: ${cause}. A text needs quotes: '"text"'.`);
  }
}
