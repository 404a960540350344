import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { linesOf } from "./lines.ts";
import {
  INVALID_REQUEST,
  PARSE_ERROR,
  errorMessage,
  headersOf,
  idOf,
  isObject,
  messagesOf,
  type MessageId,
} from "./wire.ts";

// Between a client on standard input and output and `/mcp` of a workbench: each message is one request there, and what is answered comes
// back as lines. It understands of the protocol what the two transports do differently: a call is cancelled by a notification here and by
// closing the request there, and headers repeat what the message says.

/** Of a line; the workbench takes no more either. */
const LINE_BYTES_MAX = 4 * 1_048_576;
/** Requests under way. */
const REQUESTS_MAX = 64;
/** For what is under way when standard input ends; then it is cancelled. */
const END_MS_MAX = 1_000;
const UNAVAILABLE = 503;
const TOO_MANY = 429;
const TOO_LARGE = 413;

export interface StdioBridgeOptions {
  /** Standard input. */
  input: AsyncIterable<Uint8Array | string>;
  /** Writes one line to standard output. */
  write: (line: string) => void;
  /** Posts a message. @throws LogoMeshError LM_API_NO_SERVER */
  send: (body: string, options: { headers: Record<string, string>; signal: AbortSignal }) => Promise<Response>;
  /** Ends the bridge, as the end of the input does. */
  signal: AbortSignal;
}

/** Serves a client until its input ends. */
export async function bridgeStdio(options: StdioBridgeOptions): Promise<void> {
  const bridge = new StdioBridge(options);
  const aborted = Promise.withResolvers<undefined>();
  const end = (): void => aborted.resolve(undefined);
  options.signal.addEventListener("abort", end, { once: true });
  if (options.signal.aborted) end();
  try {
    await Promise.race([bridge.read(), aborted.promise]);
  } finally {
    options.signal.removeEventListener("abort", end);
    await bridge.finish();
  }
}

class StdioBridge {
  readonly #options: StdioBridgeOptions;
  readonly #running = new Map<string, AbortController>();
  readonly #work = new Set<Promise<void>>();
  /** What `initialize` agreed on. */
  #revision: string | undefined;
  #isEnding = false;

  constructor(options: StdioBridgeOptions) {
    this.#options = options;
  }

  async read(): Promise<void> {
    for await (const line of linesOf(this.#options.input, LINE_BYTES_MAX)) {
      if (this.#isEnding) return;
      if (line === undefined) this.#fail(null, TOO_LARGE, `A message is longer than ${LINE_BYTES_MAX} bytes.`);
      else if (line.trim() !== "") this.#take(line);
    }
  }

  /** What is under way may end within a moment; then it is cancelled. */
  async finish(): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => this.#cancelAll(), END_MS_MAX);
    if (this.#options.signal.aborted) this.#cancelAll();
    await Promise.allSettled(this.#work);
    clearTimeout(timer);
  }

  #cancelAll(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  #take(line: string): void {
    let message: JsonValue;
    try {
      message = JSON.parse(line) as JsonValue;
    } catch {
      return this.#fail(null, PARSE_ERROR, "The line is not JSON.");
    }
    if (!isObject(message)) return this.#fail(null, INVALID_REQUEST, "A message is one JSON object in one line.");
    // The workbench asks nothing of its clients, so there is nothing to answer it.
    if (typeof message.method !== "string") return;
    if (message.method === "notifications/cancelled") return this.#cancel(message);
    const id = idOf(message.id);
    const key = JSON.stringify(id ?? null);
    if (id !== undefined && this.#running.has(key))
      return this.#fail(id, INVALID_REQUEST, `A request with the id ${key} is under way.`);
    if (this.#work.size >= REQUESTS_MAX) {
      if (id !== undefined) this.#fail(id, TOO_MANY, `${REQUESTS_MAX} requests are under way, which is the limit.`);
      return;
    }
    const controller = new AbortController();
    if (id !== undefined) this.#running.set(key, controller);
    const work = this.#exchange({ line, message, id, signal: controller.signal }).finally(() => {
      if (this.#running.get(key) === controller) this.#running.delete(key);
      this.#work.delete(work);
    });
    this.#work.add(work);
  }

  /** Nobody wants its answer any more; closing the request is how the workbench learns that. */
  #cancel({ params }: JsonObject): void {
    const id = isObject(params) ? idOf(params.requestId) : undefined;
    if (id !== undefined) this.#running.get(JSON.stringify(id))?.abort();
  }

  async #exchange(request: {
    line: string;
    message: JsonObject;
    id: MessageId | undefined;
    signal: AbortSignal;
  }): Promise<void> {
    const { line, message, id, signal } = request;
    try {
      const response = await this.#options.send(line, { headers: headersOf(message, this.#revision), signal });
      let isAnswered = false;
      for await (const answer of messagesOf(response)) {
        if (signal.aborted) return;
        isAnswered = this.#pass(answer, { id, response }) || isAnswered;
      }
      if (isAnswered || id === undefined || signal.aborted) return;
      this.#fail(id, UNAVAILABLE, "The workbench ended the request without an answer.");
    } catch (error) {
      if (id !== undefined && !signal.aborted) this.#fail(id, UNAVAILABLE, describe(error));
    }
  }

  /** True for what answers the request. */
  #pass(answer: JsonValue, { id, response }: { id: MessageId | undefined; response: Response }): boolean {
    if (!isObject(answer)) return false;
    if ("method" in answer) {
      this.#write(answer);
      return false;
    }
    if (id === undefined) return true;
    if (isObject(answer.result) && typeof answer.result.protocolVersion === "string")
      this.#revision = answer.result.protocolVersion;
    if (answer.id === id) this.#write(answer);
    // Refused before the message was read: the answer knows no id.
    else if (isObject(answer.error)) this.#write({ jsonrpc: "2.0", id, error: answer.error });
    else this.#fail(id, response.status, "The workbench gave an answer that cannot be read.");
    return true;
  }

  #fail(id: MessageId | null, code: number, message: string): void {
    this.#write(errorMessage(id, { code, message }));
  }

  #write(message: JsonObject): void {
    this.#options.write(JSON.stringify(message));
  }
}

function describe(error: unknown): string {
  if (error instanceof LogoMeshError) return error.message;
  return "The workbench went away during the request. Whether it was done is not known.";
}
