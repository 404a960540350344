import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Arena } from "./arena/arena.ts";
import { expectHealthy, watchWhile, type Health } from "./arena/health.ts";
import type { Attack } from "./attack.ts";
import { authority } from "./attacks/authority.ts";
import { filesystem } from "./attacks/filesystem.ts";
import { network } from "./attacks/network.ts";
import { protocol } from "./attacks/protocol.ts";
import { resources } from "./attacks/resources.ts";
import { secrets } from "./attacks/secrets.ts";
import { terminal } from "./attacks/terminal.ts";

/** Attacks by family. README.md says how to add one. */
const FAMILIES: Record<string, Attack[]> = { filesystem, network, secrets, resources, protocol, authority, terminal };

describe.each(Object.entries(FAMILIES))("%s", (family, attacks) => {
  let arena: Arena;
  const seen: { name: string; health: Health }[] = [];
  beforeAll(async () => (arena = await Arena.open()));
  afterAll(async () => {
    await arena[Symbol.asyncDispose]();
    if (seen.length > 0) report(family, seen);
  });

  test.for(attacks)("$name", async ({ name, control, attempt, needsRoot = false }, { skip }) => {
    skip(needsRoot && process.getuid?.() !== 0, "only root could do it outside");
    await control(arena);
    arena.begin();
    const before = await arena.state();
    const health = await watchWhile(
      () => attempt(arena),
      () => arena.callNeighbour(),
    );
    seen.push({ name, health });
    expectHealthy(health);
    const unchanged = ([name]: [string, unknown]): boolean => !arena.expected.includes(name);
    expect(Object.entries(await arena.state()).filter(unchanged)).toEqual(Object.entries(before).filter(unchanged));
    expect(arena.canaries.heard).toEqual([]);
    expect(await arena.leaks()).toEqual([]);
  });
});

test("the README names every family with its number of attacks", () => {
  const rows = [
    ...readFileSync(join(import.meta.dirname, "README.md"), "utf8").matchAll(/^\| `(\w+)` +\| (\d+) +\|/gm),
  ];
  expect(Object.fromEntries(rows.map(([, family, count]) => [family, Number(count)]))).toEqual(
    Object.fromEntries(Object.entries(FAMILIES).map(([family, attacks]) => [family, attacks.length])),
  );
  const names = Object.values(FAMILIES).flatMap((attacks) => attacks.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(80);
});

/** The worst that the host saw in a family. */
function report(family: string, seen: readonly { name: string; health: Health }[]): void {
  const worst = (key: keyof Health) => seen.reduce((max, next) => (next.health[key] > max.health[key] ? next : max));
  const [lag, growth, neighbour] = [worst("lagMs"), worst("growthBytes"), worst("neighbourMs")];
  process.stdout.write(
    `${family}: the loop stood ${lag.health.lagMs.toFixed(0)} ms at most (${lag.name}), the host grew ${(growth.health.growthBytes / 2 ** 20).toFixed(0)} MiB ` +
      `(${growth.name}), a neighbour's call took ${neighbour.health.neighbourMs.toFixed(0)} ms (${neighbour.name})\n`,
  );
}
