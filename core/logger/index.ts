export { createLogger, parseLogLevel, type CreateLoggerOptions, type LogLevel } from "./createLogger.ts";
