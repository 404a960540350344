import { ServerMessageSchema, type ServerMessage } from "../api/events.ts";
import { LogoMeshError } from "../errors/logoMeshError.ts";
import { parseJson, tokenOf } from "./request.ts";
import type { CreateClientOptions, WatchEventsOptions, WebSocketConstructor } from "./types.ts";

const RECONNECT_INITIAL_MS = 250;
const RECONNECT_MAX_MS = 10_000;

/**
 * Connects again and again until the signal aborts or the server refuses for good. Between two connections the position of the
 * last snapshot or event says where to go on, so that nothing durable is missed and nothing comes twice.
 */
export async function watchEvents(options: CreateClientOptions, watch: WatchEventsOptions): Promise<void> {
  const wait = options.wait ?? waitFor;
  let position = watch.after;
  let failures = 0;
  const onMessage = (message: ServerMessage): void => {
    failures = 0;
    if (message.type === "snapshot") position = message.position;
    if (message.type === "event") position = message.event.id;
    watch.onMessage(message);
  };
  while (!watch.signal.aborted) {
    watch.onConnectionChange?.("connecting");
    await connectOnce(options, { ...watch, ...(position === undefined ? {} : { after: position }), onMessage });
    if (isAborted(watch.signal)) return;
    watch.onConnectionChange?.("waiting");
    // Full jitter: many clients of one restarted server come back spread out.
    const limitMs = Math.min(RECONNECT_MAX_MS, RECONNECT_INITIAL_MS * 2 ** failures++);
    await wait(limitMs * (0.5 + Math.random() / 2), watch.signal);
  }
}

/** Resolves when the connection is lost or the signal aborts; rejects when trying again is of no use. */
async function connectOnce(options: CreateClientOptions, watch: WatchEventsOptions): Promise<void> {
  const WebSocketClass = options.WebSocket ?? (globalThis.WebSocket as unknown as WebSocketConstructor);
  const socket = new WebSocketClass(eventsUrl(options.baseUrl, watch));
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  socket.onopen = () => {
    watch.onConnectionChange?.("open");
    socket.send(JSON.stringify({ type: "auth", token: tokenOf(options) ?? "" }));
  };
  socket.onmessage = ({ data }) => {
    try {
      deliver(data, watch);
    } catch (error) {
      reject(error);
    }
  };
  socket.onclose = () => resolve(undefined);
  // A close event follows in browsers, but not in every implementation when the connection was refused.
  socket.onerror = () => resolve(undefined);
  const onAbort = (): void => resolve(undefined);
  watch.signal.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    watch.signal.removeEventListener("abort", onAbort);
    socket.onmessage = null;
    socket.close();
  }
}

/** @throws LogoMeshError the server's refusal, unless it may pass by itself */
function deliver(data: unknown, watch: WatchEventsOptions): void {
  const message = ServerMessageSchema.safeParse(typeof data === "string" ? parseJson(data) : undefined);
  // A kind of message that a newer server sends: none of ours.
  if (!message.success) return;
  if (message.data.type === "error") {
    const error = LogoMeshError.fromProblem(message.data.problem);
    if (!error.retryable) throw error;
  }
  watch.onMessage(message.data);
}

function eventsUrl(baseUrl: string, { run, after, types }: WatchEventsOptions): string {
  const query = new URLSearchParams();
  if (run !== undefined) query.set("run", run);
  if (after !== undefined) query.set("after", String(after));
  if (types !== undefined) query.set("types", types.join(","));
  return `${baseUrl.replace(/^http/, "ws").replace(/\/+$/, "")}/api/events${query.size === 0 ? "" : `?${query}`}`;
}

function waitFor(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", done);
  });
}

/** A function, because the compiler does not know that awaiting changes it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
