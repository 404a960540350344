export { createClient } from "./createClient.ts";
export type {
  CallOptions,
  CallResult,
  Client,
  ConnectionState,
  CreateClientOptions,
  StreamGenerateOptions,
  WatchEventsOptions,
} from "./types.ts";
