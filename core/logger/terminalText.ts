/** What a terminal would obey instead of showing: fields may hold names and messages of strangers. */
const CONTROL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

const LEFT_BY_JSON = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu;

const MARKS: Readonly<Record<string, string>> = { error: "✗", warn: "!" };

/** A line of the log for a person at a terminal: the message, and each field below it. */
export function terminalText(line: string): string {
  const { level, time: _time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const mark = MARKS[String(level)] ?? "·";
  const rows = Object.entries(fields).map(([name, value]) => `    ${visible(name)}: ${visible(textOf(value))}\n`);
  return `${mark} ${visible(textOf(msg))}\n${rows.join("")}`;
}

/** A line of the log that somebody may read with any program: what JSON leaves as it is, but a terminal obeys, is escaped. */
export function inertLine(line: string): string {
  return line.replace(
    LEFT_BY_JSON,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function visible(text: string): string {
  return text.replace(CONTROL, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
