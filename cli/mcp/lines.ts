/** Lines of a stream; one that is longer than `bytesMax` is left out and comes as undefined. */
export async function* linesOf(
  input: AsyncIterable<Uint8Array | string>,
  bytesMax: number,
): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    let rest = Buffer.from(chunk as Uint8Array);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      const isTooLong = bytes + end > bytesMax;
      const line = isTooLong ? undefined : Buffer.concat([...parts, rest.subarray(0, end)]).toString("utf8");
      parts = [];
      bytes = 0;
      rest = rest.subarray(end + 1);
      yield line;
    }
    bytes += rest.length;
    // Of a line that is too long already, nothing more is kept.
    if (bytes <= bytesMax) parts.push(rest);
    else parts = [];
  }
  if (bytes > bytesMax) yield undefined;
  else if (bytes > 0) yield Buffer.concat(parts).toString("utf8");
}

const NEWLINE = 0x0a;
