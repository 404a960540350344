import type { ServerMessage } from "@logomesh/contracts";
import type { WebSocket } from "ws";
import type { EventSink } from "./eventStream.ts";

/** What of a WebSocket the sink uses. */
export type SinkSocket = Pick<WebSocket, "send" | "bufferedAmount" | "readyState" | "OPEN" | "once">;

/** Messages as JSON over a WebSocket. */
export class SocketSink implements EventSink {
  readonly #socket: SinkSocket;
  readonly #unreadBytesMax: number;
  #waiters: (() => void)[] = [];

  constructor(socket: SinkSocket, unreadBytesMax: number) {
    this.#socket = socket;
    this.#unreadBytesMax = unreadBytesMax;
    socket.once("close", () => this.#release());
  }

  send(message: ServerMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(JSON.stringify(message), () => {
      if (this.#socket.bufferedAmount <= this.#unreadBytesMax / 2) this.#release();
    });
  }

  isFull(): boolean {
    return this.#socket.bufferedAmount > this.#unreadBytesMax;
  }

  drained(): Promise<void> {
    if (!this.isFull() || this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
