import { expect, test } from "vitest";
import { MessageReader } from "./messageReader.ts";
import { Dice, HostileMessages, fuzz, messagesOf } from "./testing/hostileMessages.ts";

// The reader against the plainest one there could be, which sees all bytes at once: whatever the pieces they come in, both hear the same.

const LINE_BYTES_MAX = 20_000;
const LINES = 40;
const MESSAGES = messagesOf({ quick: 20_000, long: 500_000 });

type Heard = ["message", unknown] | ["violation"] | ["fatal"];

function readPlainly(bytes: Buffer): Heard[] {
  const heard: Heard[] = [];
  // In Latin-1 each byte is one character.
  for (const [index, line] of bytes.toString("latin1").split("\n").entries()) {
    const isWhole = index < bytes.toString("latin1").split("\n").length - 1;
    if (line.length > LINE_BYTES_MAX || (isWhole && isTooDeep(line))) return [...heard, ["fatal"]];
    if (!isWhole) break;
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(line, "latin1"));
      heard.push(["message", JSON.parse(text)]);
    } catch {
      heard.push(["violation"]);
    }
  }
  return heard;
}

function isTooDeep(line: string): boolean {
  const brackets = line.replaceAll(/"(?:\\[^]|[^"\\])*(?:"|\\?$)/g, "").replaceAll(/[^[\]{}]/g, "");
  let depth = 0;
  return Array.from(brackets).some((bracket) => (depth += "[{".includes(bracket) ? 1 : -1) > 64);
}

function round(seed: number): { bytes: Buffer; heard: Heard[] } {
  const dice = new Dice(seed);
  const messages = new HostileMessages(dice, {
    lineBytesMax: LINE_BYTES_MAX,
    ids: () => [1, "two"],
    rightful: (rolled) => `{"jsonrpc":"2.0","id":${rolled.int(9)},"result":{"é":"🔑"}}`,
  });
  const bytes = Buffer.concat(Array.from({ length: LINES }, () => Buffer.concat([messages.line(), Buffer.from("\n")])));
  const heard: Heard[] = [];
  const reader = new MessageReader({
    lineBytesMax: LINE_BYTES_MAX,
    onMessage: (message) => heard.push(["message", message]),
    onViolation: () => heard.push(["violation"]),
    onFatal: () => heard.push(["fatal"]),
  });
  for (const chunk of messages.chunks(bytes)) reader.push(chunk);
  return { bytes, heard };
}

test(
  "[PL118] whatever comes, in whatever pieces, is heard as if it had come at once, and nothing grows",
  async () => {
    const kinds = { message: 0, violation: 0, fatal: 0 };
    const { rounds, growthBytes } = await fuzz({
      messages: MESSAGES,
      round(seed) {
        const { bytes, heard } = round(seed);
        const plain = readPlainly(bytes);
        if (JSON.stringify(heard) !== JSON.stringify(plain)) expect(heard).toEqual(plain);
        for (const [kind] of heard) kinds[kind] += 1;
        return heard.length;
      },
    });
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
    // The control: each kind of outcome was met, often.
    for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(rounds / 4);
    expect(growthBytes).toBeLessThan(16 * 1_048_576);
  },
  30 * 60_000,
);

test("[PL118] a right message is heard once, cut at each of its bytes", () => {
  const bytes = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"text":"é🔑\\n"}}\n{"id":2}\n');
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const heard: unknown[] = [];
    const reader = new MessageReader({
      lineBytesMax: 100,
      onMessage: (message) => heard.push(message),
      onViolation: (what) => expect.fail(what),
      onFatal: (what) => expect.fail(what),
    });
    reader.push(bytes.subarray(0, cut));
    reader.push(bytes.subarray(cut));
    expect(heard).toEqual([{ jsonrpc: "2.0", id: 1, result: { text: "é🔑\n" } }, { id: 2 }]);
  }
});
