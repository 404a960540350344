import type { Workbench } from "@logomesh/core";

/** The part of the settings that the server follows. */
export interface ServerConfig {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Names, besides those of loopback, that may stand in `Host`: `mesh.local` or `mesh.local:8443`. */
  allowedHosts: readonly string[];
}

/** Constant message, data as fields. */
export interface ServerLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface CreateServerOptions {
  workbench: Workbench;
  config: ServerConfig;
  logger: ServerLogger;
  /** The built page (`web/dist`). Without it, a plain page says how to build it. */
  webFolder?: string;
  limits?: Partial<ServerLimits>;
}

/** What a client may ask of the server at most. */
export interface ServerLimits {
  /** Per address: enough for a person, too few to guess a code. */
  loginsPerMinuteMax: number;
  /** Each costs a subscription and its buffers. */
  webSocketsMax: number;
  /** Bytes that a WebSocket client may leave unread before it is reset. */
  webSocketBufferBytesMax: number;
  /** For the first message of a WebSocket. */
  webSocketHelloMs: number;
  /** Between heartbeats of a WebSocket; a client that missed one whole beat is dropped. */
  webSocketHeartbeatMs: number;
  /** For requests that are under way when the server closes. */
  closeGraceMs: number;
}

/** A definition of 1 MiB escaped as JSON and a run's input fit; larger data goes by reference. */
export const BODY_BYTES_MAX = 8 * 1_048_576;

export const SERVER_LIMITS: ServerLimits = {
  loginsPerMinuteMax: 10,
  webSocketsMax: 256,
  webSocketBufferBytesMax: 1_048_576,
  webSocketHelloMs: 5_000,
  webSocketHeartbeatMs: 30_000,
  closeGraceMs: 2_000,
};
