import type { ServerMessage } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { SocketSink, type SinkSocket } from "./socketSink.ts";

class FakeSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: Buffer[] = [];
  readonly steps: string[] = [];
  #close: () => void = () => undefined;
  #onSent: (() => void)[] = [];

  send(data: Buffer, _options: object, onSent: () => void): void {
    this.sent.push(data);
    this.steps.push("send");
    this.#onSent.push(onSent);
  }
  once(_event: "close", listener: () => void): this {
    this.#close = listener;
    return this;
  }
  cork(): void {
    this.steps.push("cork");
  }
  uncork(): void {
    this.steps.push("uncork");
  }
  /** The network took everything. */
  take(): void {
    this.bufferedAmount = 0;
    for (const onSent of this.#onSent.splice(0)) onSent();
  }
  close(): void {
    this.readyState = 3;
    this.#close();
  }
}

function sinkOn(socket: FakeSocket, unreadBytesMax = 100): SocketSink {
  return new SocketSink(socket as unknown as SinkSocket, socket, unreadBytesMax);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const RESET: ServerMessage = { type: "reset" };

test("messages of one turn leave in one write, made to bytes once for all clients", async () => {
  const [one, two] = [new FakeSocket(), new FakeSocket()];
  const sinks = [sinkOn(one), sinkOn(two)];
  for (const sink of sinks) for (const message of [RESET, RESET]) sink.send(message);
  expect(one.steps).toEqual(["cork", "send", "send"]);
  await turn();
  expect(one.steps).toEqual(["cork", "send", "send", "uncork"]);
  expect(one.sent[0]).toBe(two.sent[1]);
  expect(one.sent[0]?.toString()).toBe('{"type":"reset"}');
  sinks[0]?.send(RESET);
  expect(one.steps.slice(-2)).toEqual(["cork", "send"]);
});

test("a full client is waited for until it took half of it, or is gone; a closed one gets nothing", async () => {
  const socket = new FakeSocket();
  const sink = sinkOn(socket);
  await sink.drained();
  sink.send(RESET);
  socket.bufferedAmount = 101;
  const waited = sink.drained();
  socket.take();
  await waited;
  socket.bufferedAmount = 101;
  const left = sink.drained();
  socket.close();
  await left;
  sink.send(RESET);
  expect(socket.sent).toHaveLength(1);
});
