import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import {
  destination as openDestination,
  pino,
  stdTimeFunctions,
  type DestinationStream,
  type Logger as Pino,
} from "pino";
import type { Logger } from "../ports/index.ts";
import { inertLine, terminalText } from "./terminalText.ts";

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What never belongs into a log line, however it got there. */
const SECRET_FIELDS = ["token", "secret", "password", "authorization", "apiKey"];

export interface CreateLoggerOptions {
  /** Lines below it are dropped. */
  level: LogLevel;
  /** Where the lines go. Default: standard error, written at once, so that the last line before a crash is there. */
  stream?: DestinationStream;
}

const STDERR = 2;

/** A logger that writes one JSON object per line: `level`, `time` (ISO 8601), the fields, `msg`. A terminal gets them as text. */
export function createLogger({ level, stream }: CreateLoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: [...SECRET_FIELDS, ...SECRET_FIELDS.map((field) => `*.${field}`)], censor: "[secret]" },
  };
  const destination = stream ?? standardError();
  return wrap(pino(options, { write: (line) => destination.write(inertLine(line)) }));
}

function standardError(): DestinationStream {
  if (!isatty(STDERR)) return openDestination({ fd: STDERR, sync: true });
  return { write: (line) => void writeSync(STDERR, terminalText(line)) };
}

/** The level that a setting such as LOGOMESH_LOG names; `info` when it is unset or unknown. */
export function parseLogLevel(text: string | undefined): LogLevel {
  return LOG_LEVELS.find((level) => level === text?.toLowerCase()) ?? "info";
}

function wrap(inner: Pino): Logger {
  return {
    debug: (fields, message) => inner.debug(fields, message),
    info: (fields, message) => inner.info(fields, message),
    warn: (fields, message) => inner.warn(fields, message),
    error: (fields, message) => inner.error(fields, message),
    child: (fields) => wrap(inner.child(fields)),
  };
}
