import { inspect } from "node:util";
import type { Logger, Secrets } from "../ports/index.ts";

/** Deeper values of a log line are left out. */
const DEPTH_MAX = 6;

/** A logger whose fields hold no secret, wherever in them it is. */
export function createRedactingLogger(logger: Logger, secrets: Pick<Secrets, "redact">): Logger {
  const redacted = (fields: object): object => redactValue(fields, { secrets, depth: 0 }) as object;
  return {
    debug: (fields, message) => logger.debug(redacted(fields), message),
    info: (fields, message) => logger.info(redacted(fields), message),
    warn: (fields, message) => logger.warn(redacted(fields), message),
    error: (fields, message) => logger.error(redacted(fields), message),
    child: (fields) => createRedactingLogger(logger.child(redacted(fields)), secrets),
  };
}

function redactValue(value: unknown, at: { secrets: Pick<Secrets, "redact">; depth: number }): unknown {
  if (typeof value === "string") return at.secrets.redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (at.depth === DEPTH_MAX) return "…";
  const below = { ...at, depth: at.depth + 1 };
  if (Array.isArray(value)) return value.map((item) => redactValue(item, below));
  if (!(value instanceof Error) && !isPlain(value)) return at.secrets.redact(inspect(value));
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, redactValue(member, below)]);
  // What an error says is not among its own enumerable members.
  if (value instanceof Error) members.push(["message", at.secrets.redact(value.message)]);
  return Object.fromEntries(members);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
