import { expect, test } from "vitest";
import { Dice, HostileMessages, fuzz, messagesOf } from "../testing/hostileMessages.ts";
import { MODERN, PlayedPlane } from "./testing/playedPlane.ts";

// The host plane against a plugin that asks anything, in either era. A request is answered once at most, and never under an id that was not
// asked; whatever one plugin does, the next one is served.

const MESSAGES = messagesOf({ quick: 15_000, long: 350_000 });
const LINES_PER_ROUND = 150;
const LINE_BYTES_MAX = 20_000;
const META = JSON.stringify(MODERN);
/** Rounds that once failed: more was counted and told in a piece whose beginning had ended the plugin already. */
const FOUND = [79, 91];
const TOOLS = ["store_put", "store_get", "store_list", "store_delete", "blob_put", "blob_get", "plugin_call", "none"];

interface Sent {
  ids: (string | number)[];
  next: number;
}

function rightful(dice: Dice, sent: Sent): string {
  const id = dice.chance(0.8) ? (sent.next += 1) : dice.pick(["a", "b", 7]);
  sent.ids.push(id);
  if (sent.ids.length > 20) sent.ids.shift();
  const start = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":`;
  const kind = dice.int(10);
  if (kind === 0) return `${start}"initialize","params":{"protocolVersion":"2025-11-25"}}`;
  if (kind === 1) return `${start}"${dice.pick(["tools/list", "server/discover"])}","params":{"_meta":${META}}}`;
  if (kind === 2) return `${start}"events/listen","params":{"types":["a.b"],"_meta":${META}}}`;
  const args = `{"key":"k${dice.int(3)}","value":{"n":${dice.int(9)}},"prefix":"","base64":"AAAA","plugin":"a.b","tool":"t"}`;
  const [name, meta] = [dice.pick(TOOLS), dice.chance(0.8) ? META : "{}"];
  const key = name === "store_get" || name === "store_delete" ? `{"key":"k1"}` : args;
  return `${start}"tools/call","params":{"name":"${name}","arguments":${key},"_meta":${meta}}}`;
}

async function run(seed: number): Promise<number> {
  const dice = new Dice(seed);
  using played = new PlayedPlane({}, { lineBytesMax: LINE_BYTES_MAX, seed });
  if (dice.chance(0.9)) played.listen();
  else played.stream.on("error", () => undefined);
  played.grant({ store: { max_bytes: 10_000, why: "x" } });
  const sent: Sent = { ids: [], next: 1_000_000 };
  const messages = new HostileMessages(dice, {
    lineBytesMax: LINE_BYTES_MAX,
    ids: () => sent.ids,
    rightful: (rolled) => rightful(rolled, sent),
  });
  let heard = 0;
  for (; heard < LINES_PER_ROUND && played.fatal.length === 0; heard += 1) {
    for (const chunk of messages.chunks(Buffer.concat([messages.line(), Buffer.from("\n")]))) played.raw(chunk);
    if (dice.chance(0.1)) await played.clock.advance(dice.pick([1, 100, 40_000]));
    if (dice.chance(0.3)) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await played.settle();
  expect(played.plane.violations).toBeLessThanOrEqual(20);
  expect(played.fatal.length).toBeLessThanOrEqual(1);
  if (played.plane.violations === 20) expect(played.fatal).not.toEqual([]);
  const answers = new Map<unknown, number>();
  for (const { id, result, error } of played.messages)
    if (typeof id === "number" && id > 1_000_000) {
      if ((result === undefined) === (error === undefined)) throw new Error(`${id} has not either result or error`);
      answers.set(id, (answers.get(id) ?? 0) + 1);
    }
  // Such an id was asked once rightfully; a line that was doubled or cut may have asked it again.
  for (const [id, count] of answers) if (count > 6) throw new Error(`${String(id)} was answered ${count} times`);
  return heard;
}

test(
  "[HP31] whatever a plugin asks, nothing breaks, hangs or grows",
  async () => {
    const { growthBytes } = await fuzz({ messages: MESSAGES, seeds: FOUND, round: run });
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
    expect(growthBytes).toBeLessThan(16 * 1_048_576);
    // The control: the next plugin is served.
    using next = new PlayedPlane().listen();
    next.grant({ store: { max_bytes: 10_000, why: "x" } });
    await next.call("store_put", { key: "k", value: { ok: true } });
    expect(await next.call("store_get", { key: "k" })).toMatchObject({
      result: { structuredContent: { found: true, value: { ok: true } } },
    });
  },
  30 * 60_000,
);
