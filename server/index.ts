export { createServer } from "./createServer.ts";
export type { CreateServerOptions, ServerConfig, ServerLimits, ServerLogger } from "./options.ts";
export { startServer, type RunningServer, type ServerFile, type StartServerOptions } from "./start.ts";
