import { expect, test } from "vitest";
import { createLogger, parseLogLevel } from "./index.ts";

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
