/** The little of RFC 6455 that tests need: accept a WebSocket, read short text frames, send text frames. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x81;
const CLOSE = 0x88;
const LENGTH_7_BITS_MAX = 125;
const LENGTH_16_BITS_MAX = 65_535;

export interface FakeSocket {
  send(value: unknown): void;
  close(): void;
}

export function acceptSocket(
  request: IncomingMessage,
  stream: Duplex,
  handlers: { onText: (text: string, socket: FakeSocket) => void; onClose: (socket: FakeSocket) => void },
): void {
  const key = request.headers["sec-websocket-key"] ?? "";
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const socket: FakeSocket = {
    send: (value) => stream.write(frameOf(Buffer.from(JSON.stringify(value)))),
    close: () => stream.end(Buffer.from([CLOSE, 0]), () => stream.destroy()),
  };
  stream.on("data", (chunk: Buffer) => {
    const text = textOf(chunk);
    if (text !== undefined) handlers.onText(text, socket);
  });
  stream.on("error", () => stream.destroy());
  stream.on("close", () => handlers.onClose(socket));
}

function frameOf(payload: Buffer): Buffer {
  if (payload.length <= LENGTH_7_BITS_MAX) return Buffer.concat([Buffer.from([TEXT, payload.length]), payload]);
  // Browsers refuse a length that is not in its shortest form.
  const isLong = payload.length > LENGTH_16_BITS_MAX;
  const header = Buffer.alloc(isLong ? 10 : 4);
  header[0] = TEXT;
  header[1] = isLong ? 127 : 126;
  if (isLong) header.writeBigUInt64BE(BigInt(payload.length), 2);
  else header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

/** A single masked text frame, as browsers send a hello. */
function textOf(chunk: Buffer): string | undefined {
  const [first, second] = chunk;
  if (first !== TEXT || second === undefined) return undefined;
  const short = second & 0x7f;
  const length = short === 126 ? chunk.readUInt16BE(2) : short;
  const maskAt = short === 126 ? 4 : 2;
  const mask = chunk.subarray(maskAt, maskAt + 4);
  const body = chunk.subarray(maskAt + 4, maskAt + 4 + length);
  return Buffer.from(body.map((byte, index) => byte ^ (mask[index % 4] ?? 0))).toString("utf8");
}
