import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import type { ExpressionEvaluator } from "../expressions/index.ts";
import type { SchemaValidator } from "../interpreter/index.ts";
import type { WorkflowDefinition } from "../language/index.ts";
import type { QueuePlace } from "./runQueue.ts";

// What is asked of a run's input before there is a run.

/** A key names something; what is longer is content. */
const KEY_CHARS_MAX = 200;

/** @throws LogoMeshError LM_WORKFLOW_INPUT_INVALID */
export function checkInput(schemas: SchemaValidator, definition: WorkflowDefinition, input: JsonValue): void {
  if (definition.inputSchema === undefined) return;
  const problems = schemas.validate(definition.inputSchema.document, input);
  const [first] = problems;
  if (first === undefined) return;
  const place = first.pointer === "" ? "the input" : first.pointer;
  throw new LogoMeshError("LM_WORKFLOW_INPUT_INVALID", `${definition.name}: ${place} ${first.message}`, { problems });
}

/** Where the run needs a place, when its workflow limits how many go on at once. @throws LogoMeshError LM_WORKFLOW_INPUT_INVALID, LM_WORKFLOW_EXPRESSION* */
export async function placeOf(
  evaluator: ExpressionEvaluator,
  { namespace, name, concurrency }: WorkflowDefinition,
  input: JsonValue,
): Promise<QueuePlace | undefined> {
  if (concurrency === undefined) return undefined;
  const { runs: limit, key } = concurrency;
  const workflow = `${namespace}/${name}`;
  if (key === undefined) return { queue: workflow, limit };
  const value = await evaluator.evaluateTemplate(key, input, { input });
  if (value === null || typeof value === "object")
    throw new LogoMeshError(
      "LM_WORKFLOW_INPUT_INVALID",
      `${name}: the key of \`concurrency\` gave ${value === null ? "null" : "a list or a mapping"}; it must be a text, a number or a boolean.`,
    );
  const text = String(value);
  if (text.length > KEY_CHARS_MAX)
    throw new LogoMeshError(
      "LM_WORKFLOW_INPUT_INVALID",
      `${name}: the key of \`concurrency\` has ${text.length} characters; at most ${KEY_CHARS_MAX} are allowed.`,
    );
  return { queue: `${workflow}#${text}`, limit };
}

/** Why a run does not start at once, in words for its reader. */
export function waitReason({ queue, limit }: QueuePlace): string {
  return `Waits for a place: ${limit === 1 ? "one run" : `${limit} runs`} of ${queue} at once.`;
}
