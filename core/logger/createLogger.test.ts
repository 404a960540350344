import { expect, test } from "vitest";
import { createLogger, parseLogLevel } from "./index.ts";
import { terminalText } from "./terminalText.ts";

function collect(level: Parameters<typeof createLogger>[0]["level"]) {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    level,
    stream: { write: (text) => void lines.push(JSON.parse(text) as Record<string, unknown>) },
  });
  return { logger, lines };
}

test("a line is one JSON object with level, time, fields and message, also from a child", () => {
  const { logger, lines } = collect("debug");
  logger.debug({ a: 1 }, "first");
  logger.child({ plugin: "p" }).warn({ calls: 2 }, "second");
  expect(lines).toEqual([
    { level: "debug", time: expect.stringMatching(/^\d{4}-.*Z$/), a: 1, msg: "first" },
    { level: "warn", time: expect.any(String), plugin: "p", calls: 2, msg: "second" },
  ]);
});

test("lines below the level are dropped", () => {
  const { logger, lines } = collect("warn");
  logger.debug({}, "no");
  logger.info({}, "no");
  logger.error({}, "yes");
  expect(lines.map(({ msg }) => msg)).toEqual(["yes"]);
});

test("for a terminal a line is its message with the fields below, and nothing in it is obeyed", () => {
  const { logger, lines } = collect("debug");
  logger.warn({ file: "a.yaml", problems: [{ line: 3 }], "x\u001b": "\u001b[2J\u202e\nforged" }, "left out");
  logger.info({}, "listening");
  expect(lines.map((line) => terminalText(JSON.stringify(line)))).toEqual([
    '! left out\n    file: a.yaml\n    problems: [{"line":3}]\n    x\\u{1b}: \\u{1b}[2J\\u{202e}\\u{a}forged\n',
    "· listening\n",
  ]);
});

test("a line that goes to a file or another program holds nothing that a terminal would obey, and says the same", () => {
  const written: string[] = [];
  const said = "\u001b[2J\u009b31m\u202e\u2028\u007f\n";
  createLogger({ level: "info", stream: { write: (line) => void written.push(line) } }).info({ said }, "heard");
  expect(written.join("")).toMatch(/^[\u0020-\u007e]+\n$/);
  expect(JSON.parse(written.join(""))).toMatchObject({ said, msg: "heard" });
});

test("secrets are not written", () => {
  const { logger, lines } = collect("info");
  logger.info({ token: "t0p", request: { authorization: "Bearer t0p" } }, "called");
  expect(JSON.stringify(lines)).not.toContain("t0p");
  expect(lines).toHaveLength(1);
});

test("without a stream, a logger of level silent writes nothing to standard error", () => {
  createLogger({ level: "silent" }).error({}, "never seen");
});

test.each([
  ["DEBUG", "debug"],
  ["silent", "silent"],
  ["loud", "info"],
  [undefined, "info"],
])("the setting %s gives level %s", (text, level) => {
  expect(parseLogLevel(text)).toBe(level);
});
