/** Numbers with units, times and ids as people read them. Pure: the present is passed in. */

const UNITS = ["B", "KiB", "MiB", "GiB"] as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? "B"}`;
}

export function formatDuration(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Between two instants; undefined until there is a start. */
export function durationBetween(startedAt: string | undefined, endedAt: string | undefined, now: number) {
  if (startedAt === undefined) return undefined;
  return Math.max(0, (endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt));
}

const RELATIVE_STEPS: [limitMs: number, unit: Intl.RelativeTimeFormatUnit, unitMs: number][] = [
  [60_000, "second", 1000],
  [3_600_000, "minute", 60_000],
  [86_400_000, "hour", 3_600_000],
  [2_592_000_000, "day", 86_400_000],
  [31_536_000_000, "month", 2_592_000_000],
  [Number.POSITIVE_INFINITY, "year", 31_536_000_000],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

export function formatRelative(instant: string, now: number): string {
  const difference = Date.parse(instant) - now;
  if (Math.abs(difference) < 2000) return "now";
  const [, unit, unitMs] = RELATIVE_STEPS.find(([limit]) => Math.abs(difference) < limit) ?? [
    "",
    "year",
    31_536_000_000,
  ];
  return RELATIVE.format(Math.trunc(difference / unitMs), unit);
}

/** The exact instant in local time, for titles. */
export function formatExact(instant: string): string {
  return new Date(instant).toLocaleString("en-GB", {
    dateStyle: "medium",
    timeStyle: "medium",
  });
}

const COUNT = new Intl.NumberFormat("en");

export function formatCount(value: number, noun: string): string {
  return `${COUNT.format(value)} ${value === 1 ? noun : pluralOf(noun)}`;
}

function pluralOf(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(s|sh|ch|x)$/.test(noun) ? `${noun}es` : `${noun}s`;
}

/** The end of an id (`run_01m…`) or a hash tells rows apart: ids start with a time. Names stay whole. */
export function shortId(id: string): string {
  return /^([a-z]+_[0-9a-z]{20,}|[0-9a-f-]{13,})$/.test(id) ? `…${id.slice(-8)}` : id;
}

/** Tabs and line ends are what they seem. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}]/gu;

/** Control and bidirectional characters made visible, so that text cannot pretend to be other text. */
export function visibleText(text: string): string {
  return text.replace(
    INVISIBLE,
    (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}
