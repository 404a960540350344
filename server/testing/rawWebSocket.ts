import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Socket } from "node:net";
import type { ServerMessage } from "@logomesh/contracts";

/** A WebSocket client that can lie about itself and can stop reading; for text of one frame only. */
export class RawWebSocket implements Disposable {
  readonly messages: ServerMessage[] = [];
  /** Close code of the server. */
  readonly closed: Promise<number | undefined>;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #closeCode: number | undefined;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(this.#closeCode)));
    socket.on("data", (data: Buffer) => this.#read(data));
    this.#read(head);
  }

  send(value: unknown): void {
    const payload = Buffer.from(JSON.stringify(value));
    const mask = randomBytes(4);
    const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
    this.#socket.write(
      Buffer.concat([Buffer.from([0x81, ...length]), mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]),
    );
  }

  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** Resolves when a message of this kind has come. */
  async until(isWanted: (message: ServerMessage) => boolean): Promise<void> {
    while (!this.messages.some(isWanted)) await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      if (this.#rest.length < 2) return;
      const opcode = (this.#rest[0] ?? 0) & 15;
      const short = (this.#rest[1] ?? 0) & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#rest.length < head) return;
      const length =
        short < 126 ? short : short === 126 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2));
      if (this.#rest.length < head + length) return;
      const payload = this.#rest.subarray(head, head + length);
      this.#rest = this.#rest.subarray(head + length);
      if (opcode === 1) this.messages.push(JSON.parse(payload.toString("utf8")) as ServerMessage);
      if (opcode === 8) {
        if (length >= 2) this.#closeCode = payload.readUInt16BE(0);
        this.#socket.end();
      }
    }
  }
}

/** The upgraded connection, or the status of the refusal. Pings are never answered. */
export function openRawWebSocket(url: string, headers: Record<string, string> = {}): Promise<RawWebSocket | number> {
  return new Promise((resolve, reject) => {
    const upgrade = request(url.replace(/^ws/, "http"), {
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
        ...headers,
      },
    });
    upgrade.once("upgrade", (_response, socket, head) => resolve(new RawWebSocket(socket, head)));
    upgrade.once("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    upgrade.once("error", reject);
    upgrade.end();
  });
}
