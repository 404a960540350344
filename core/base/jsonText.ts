import type { JsonValue } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts/errors";

/** Deeper values would overflow parsers further on; no message of a plugin nests deeper either. */
const JSON_DEPTH_MAX = 64;

/**
 * The JSON text of a stranger's value, when every reader gets the same value back from it.
 *
 * `what` names the value in messages. Refused are numbers that JSON cannot say or that other languages read differently (NaN, infinities,
 * integers beyond 2^53: those are passed as strings), what is no JSON value, and nesting beyond 64.
 *
 * @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE
 */
export function toJsonText(value: unknown, { what, bytesMax }: { what: string; bytesMax: number }): string {
  assertJsonValue(value, { what, place: "", depth: 0 });
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) {
    throw new LogoMeshError("LM_TOO_LARGE", `${what} is ${bytes} bytes as JSON; at most ${bytesMax} are allowed.`);
  }
  return text;
}

interface Place {
  what: string;
  /** JSON pointer of the value that is looked at. */
  place: string;
  depth: number;
}

function assertJsonValue(value: unknown, at: Place): asserts value is JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    assertNumber(value, at);
    return;
  }
  if (typeof value !== "object") throw refusal(at, `is of type ${typeof value}, which is not a JSON value`);
  if (at.depth >= JSON_DEPTH_MAX) throw refusal(at, `nests deeper than ${JSON_DEPTH_MAX} levels`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) assertJsonValue(value[index], below(at, String(index)));
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refusal(at, "is not a plain object");
  for (const [key, member] of Object.entries(value)) assertJsonValue(member, below(at, key));
}

function assertNumber(value: number, at: Place): void {
  if (!Number.isFinite(value)) throw refusal(at, `is ${value}, which JSON has no number for`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refusal(at, "is an integer beyond 2^53, which loses digits; pass it as a string");
  }
}

function below({ what, place, depth }: Place, key: string): Place {
  return { what, place: `${place}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, depth: depth + 1 };
}

function refusal({ what, place }: Place, problem: string): LogoMeshError {
  const where = place === "" ? what : `${what} at ${JSON.stringify(place)}`;
  return new LogoMeshError("LM_INPUT_INVALID", `${where} ${problem}.`, {
    problems: [{ pointer: place, message: problem }],
  });
}
