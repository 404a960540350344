import { Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { LogoMeshError } from "@logomesh/contracts";
import { refusal } from "./refusal.ts";

/** One coding is usual; each more multiplies what a small answer can become on the way. */
const CODINGS_MAX = 2;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** One text for each name. */
export function joinHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const joined = Object.entries(headers).map(([name, value]): [string, string] => {
    const values = Array.isArray(value) ? value : [value ?? ""];
    return [name.toLowerCase(), values.join(name.toLowerCase() === "set-cookie" ? "\n" : ", ")];
  });
  return Object.fromEntries(joined);
}

/**
 * The decoded body, and the headers that describe it as it now is.
 * @throws LogoMeshError LM_TOO_LARGE, LM_NET_REFUSED; anything that the stream or a decoder throws
 */
export async function readBody(
  source: Readable,
  {
    headers,
    bytesMax,
    hasContent,
  }: { headers: Readonly<Record<string, string>>; bytesMax: number; hasContent: boolean },
): Promise<{ body: Uint8Array; headers: Readonly<Record<string, string>> }> {
  const codings = hasContent ? codingsOf(headers["content-encoding"]) : [];
  if (codings.length > CODINGS_MAX)
    throw refusal(`The answer is encoded ${codings.length} times; at most ${CODINGS_MAX}.`);
  const decoders = codings.map((coding) => (Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined));
  if (codings.length === 0 || decoders.includes(undefined)) {
    return { body: await collect(source, bytesMax), headers };
  }
  let stream: Readable = source;
  for (const create of decoders.toReversed()) stream = connect(stream, create);
  const body = await collect(stream, bytesMax);
  const rest = Object.entries(headers).filter(([name]) => name !== "content-encoding" && name !== "content-length");
  return { body, headers: Object.fromEntries(rest) };
}

function codingsOf(header: string | undefined): string[] {
  return (header ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
}

function connect(source: Readable, create: (() => Transform) | undefined): Readable {
  if (create === undefined) return source;
  const decoder = create();
  // Either end brings the other down: a decoder that gives up stops the connection, a broken connection the decoder.
  source.on("error", (error) => decoder.destroy(error));
  decoder.on("close", () => source.destroy());
  return source.pipe(decoder);
}

async function collect(stream: Readable, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > bytesMax) {
      throw new LogoMeshError("LM_TOO_LARGE", `The answer is longer than ${bytesMax} bytes. Ask for less of it.`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}
