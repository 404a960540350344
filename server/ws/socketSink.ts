import type { ServerMessage } from "@logomesh/contracts";
import type { WebSocket } from "ws";
import type { EventSink } from "./eventStream.ts";

/** What of a WebSocket the sink uses. */
export type SinkSocket = Pick<WebSocket, "send" | "bufferedAmount" | "readyState" | "OPEN" | "once">;

/** The connection below it. */
export interface SinkConnection {
  cork(): void;
  uncork(): void;
}

/** A live message goes to every client that watches: it is made to bytes once. */
const encoded = new WeakMap<ServerMessage, Buffer>();

function encode(message: ServerMessage): Buffer {
  const known = encoded.get(message);
  if (known !== undefined) return known;
  const bytes = Buffer.from(JSON.stringify(message));
  encoded.set(message, bytes);
  return bytes;
}

/** Messages as JSON over a WebSocket. What one turn of the event loop sends leaves in one write. */
export class SocketSink implements EventSink {
  readonly #socket: SinkSocket;
  readonly #connection: SinkConnection;
  readonly #unreadBytesMax: number;
  readonly #onSent = (): void => {
    if (this.#waiters.length > 0 && this.#socket.bufferedAmount <= this.#unreadBytesMax / 2) this.#release();
  };
  #isCorked = false;
  #waiters: (() => void)[] = [];

  constructor(socket: SinkSocket, connection: SinkConnection, unreadBytesMax: number) {
    this.#socket = socket;
    this.#connection = connection;
    this.#unreadBytesMax = unreadBytesMax;
    socket.once("close", () => this.#release());
  }

  send(message: ServerMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#gather();
    this.#socket.send(encode(message), { binary: false }, this.#onSent);
  }

  isFull(): boolean {
    return this.#socket.bufferedAmount > this.#unreadBytesMax;
  }

  drained(): Promise<void> {
    if (!this.isFull() || this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Each write of its own would be a system call, many hundred times a second for each client. */
  #gather(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#connection.cork();
    setImmediate(() => {
      this.#isCorked = false;
      this.#connection.uncork();
    });
  }

  #release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
