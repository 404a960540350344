export { createLogger, parseLogLevel } from "./createLogger.ts";
