import { PassThrough } from "node:stream";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { McpConnection, type McpRequest } from "./mcpConnection.ts";
import { Dice, HostileMessages, fuzz, messagesOf } from "./testing/hostileMessages.ts";

// The host's end of the plugin plane against a plugin that says anything. Each request of ours must end once: with what was said under its
// id, with a fault, or with the end of the connection.

const MESSAGES = messagesOf({ quick: 15_000, long: 350_000 });
/** Rounds that once failed: more was counted and told in a piece whose beginning had ended the plugin already. */
const FOUND = [79, 91];
const LINES_PER_ROUND = 200;
const OPEN_MAX = 20;
const INTRODUCTION = { client: { name: "logomesh", version: "1" }, capabilities: {} };

interface Asked {
  id: number;
  request: McpRequest;
  outcome: { settled: number; value?: unknown };
}

class Round {
  readonly dice: Dice;
  readonly clock = new FakeClock();
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly asked: Asked[] = [];
  readonly fatal: LogoMeshError[] = [];
  readonly connection: McpConnection;
  heard = 0;
  #nextId = 1;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    this.output.resume();
    this.connection = new McpConnection({
      ...{ pluginId: "org.example.p", input: this.input, output: this.output, lineBytesMax: 20_000, clock: this.clock },
      onRequest: () => Promise.resolve(this.dice.chance(0.5) ? undefined : { result: { ok: true } }),
      onNotification: () => undefined,
      onFatal: (error) => {
        this.fatal.push(error);
        this.connection.close(error);
      },
    });
    if (this.dice.chance(0.5)) void this.#track(this.connection.discover(INTRODUCTION));
  }

  #track(result: Promise<unknown>): { settled: number; value?: unknown } {
    const outcome: { settled: number; value?: unknown } = { settled: 0 };
    result.then(
      (value) => {
        outcome.settled += 1;
        outcome.value = value;
      },
      () => (outcome.settled += 1),
    );
    this.#nextId += 1;
    return outcome;
  }

  ask(): void {
    const id = this.#nextId;
    const onProgress = (params: JsonObject): void => expect(params.progressToken).toBe(id);
    const request = this.connection.request("tools/call", {}, this.dice.chance(0.5) ? { onProgress } : {});
    this.asked.push({ id, request, outcome: this.#track(request.result) });
  }

  openIds(): number[] {
    return this.asked.filter(({ outcome }) => outcome.settled === 0).map(({ id }) => id);
  }

  cancelOne(): void {
    const open = this.asked.filter(({ outcome }) => outcome.settled === 0);
    if (open.length > 0) this.dice.pick(open).request.cancel("enough", new Error("enough"));
  }
}

/** What results the line has, by id; a line may be several, as random bytes may hold an end of one. */
function note(said: Map<number, string[]>, bytes: Buffer): void {
  for (const text of bytes.toString().split("\n")) {
    try {
      const { id, result } = JSON.parse(text) as { id?: unknown; result?: unknown };
      if (typeof id === "number") said.set(id, [...(said.get(id) ?? []), JSON.stringify(result)]);
    } catch {
      // Not JSON: no answer.
    }
  }
}

async function run(seed: number): Promise<number> {
  const round = new Round(seed);
  const { dice, connection, input, clock } = round;
  const messages = new HostileMessages(dice, {
    lineBytesMax: 20_000,
    ids: () => round.openIds(),
    rightful: (rolled) => {
      const id = round.openIds().length > 0 ? rolled.pick(round.openIds()) : 0;
      return `{"jsonrpc":"2.0","id":${id},"result":{"of":${id},"content":[],"supportedVersions":["2026-07-28"]}}`;
    },
  });
  const said = new Map<number, string[]>();
  for (let line = 0; line < LINES_PER_ROUND && round.fatal.length === 0; line += 1) {
    while (round.openIds().length < OPEN_MAX && dice.chance(0.7)) round.ask();
    if (dice.chance(0.05)) round.cancelOne();
    if (dice.chance(0.02)) await clock.advance(1_000);
    const bytes = Buffer.concat([messages.line(), Buffer.from("\n")]);
    note(said, bytes);
    for (const chunk of messages.chunks(bytes)) input.write(chunk);
    round.heard += 1;
    if (dice.chance(0.3)) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(connection.violations).toBeLessThanOrEqual(20);
  if (connection.violations === 20) expect(round.fatal).not.toEqual([]);
  expect(round.fatal.length).toBeLessThanOrEqual(1);
  for (const { id, outcome } of round.asked)
    if (outcome.value !== undefined && said.get(id)?.includes(JSON.stringify(outcome.value)) !== true)
      throw new Error(`request ${id} was answered with what was not said to it`);
  connection.close(round.fatal[0] ?? new LogoMeshError("LM_PLUGIN_STOPPED", "The round is over."));
  await new Promise<void>((resolve) => setImmediate(resolve));
  for (const { id, outcome } of round.asked)
    if (outcome.settled !== 1) throw new Error(`request ${id} ended ${outcome.settled} times`);
  expect(connection.inFlight).toBe(0);
  return round.heard;
}

test(
  "[PL118] whatever a plugin says, each request ends once and with its own answer, and nothing grows",
  async () => {
    const { growthBytes } = await fuzz({ messages: MESSAGES, seeds: FOUND, round: run });
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
    expect(growthBytes).toBeLessThan(16 * 1_048_576);
  },
  30 * 60_000,
);

test("[PL118] the control: what is right among all of it is answered", async () => {
  let answered = 0;
  for (let seed = 1; seed <= 50; seed += 1) {
    const round = new Round(seed);
    round.ask();
    const [{ id, outcome }] = round.asked as [Asked];
    round.input.write(`null\n{"id":99,"result":{}}\n{"jsonrpc":"2.0","id":${id},"result":{"of":${id}}}\n`);
    await new Promise<void>((resolve) => setImmediate(resolve));
    if ((outcome.value as { of?: number } | undefined)?.of === id) answered += 1;
  }
  expect(answered).toBe(50);
});
