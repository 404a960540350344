import type { JsonValue } from "@logomesh/contracts";
import { isObject } from "../expressions/index.ts";

const UNITS_MS: Record<string, number> = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
};
const ISO_8601 =
  /^P(?!$)(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
/** Years and months have no fixed length: 365 and 30 days, as most schedulers take them. */
const ISO_UNITS_MS = [365 * 86_400_000, 30 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000];

/** Ten years; longer is a mistake. */
const DURATION_MS_MAX = 10 * 365 * 86_400_000;

/** Whole milliseconds of `{seconds: 5}` or `PT5S`; undefined when it is neither, or longer than ten years. */
export function parseDuration(value: JsonValue): number | undefined {
  const ms = typeof value === "string" ? parseIsoDuration(value) : isObject(value) ? parseMembers(value) : undefined;
  return ms === undefined || ms > DURATION_MS_MAX ? undefined : ms;
}

function parseIsoDuration(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  return Math.round(ISO_UNITS_MS.reduce((sum, unitMs, index) => sum + Number(match[index + 1] ?? 0) * unitMs, 0));
}

function parseMembers(value: Record<string, JsonValue>): number | undefined {
  const keys = Object.keys(value);
  if (keys.length === 0) return undefined;
  let ms = 0;
  for (const key of keys) {
    const unitMs = Object.hasOwn(UNITS_MS, key) ? UNITS_MS[key] : undefined;
    const count = value[key];
    if (unitMs === undefined || typeof count !== "number" || !Number.isInteger(count) || count < 0) return undefined;
    ms += count * unitMs;
  }
  return ms;
}
