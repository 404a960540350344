import type { PluginRuntime } from "@logomesh/contracts";
import { expect } from "vitest";
import { type Code } from "./arena/agents.ts";
import { hostile, type Arena, type Attempt } from "./arena/arena.ts";
import type { Targets } from "./arena/canaries.ts";

/** One thing that an attacker tries. */
export interface Attack {
  /** Begins with the rules that it would break: `[SB1] reads a file of the host`. */
  name: string;
  /** Shows that the attempt can succeed: without the sandbox, with the grant, or against somebody more trusting. Throws unless it did. */
  control: (arena: Arena) => Promise<void>;
  /** Throws unless it failed in the way in which it should. What every attack must leave alone is looked at around it. */
  attempt: (arena: Arena) => Promise<void>;
  /** Without root the attempt cannot succeed outside either, so that nothing would be shown. */
  needsRoot?: boolean;
}

export interface ProgramAttack {
  name: string;
  code: Code | ((targets: Targets, arena: Arena) => Code);
  /** What it prints when it gets through; default: the token. Or what is heard on the host's side. */
  wins?: RegExp | { heard: string };
  /** What it prints, or the code and message of the call, when it does not. */
  refused: RegExp;
  /** A process of its own: what it does lasts. */
  isLasting?: boolean;
  /** When the same code cannot show it outside; default: it runs in the same plugin without a sandbox. */
  control?: Attack["control"];
  timeoutMs?: number;
}

/** Code that runs in the hostile plugins, in each language that it is written in, at the same time. */
export function program({ name, code, wins, refused, isLasting = false, timeoutMs, control }: ProgramAttack): Attack {
  const codeOf = (arena: Arena) => Object.entries(typeof code === "function" ? code(arena.targets, arena) : code);
  const forEach = (arena: Arena, act: (runtime: PluginRuntime, source: string) => Promise<void>) =>
    Promise.all(codeOf(arena).map(([runtime, source]) => act(runtime as PluginRuntime, source)));
  return {
    name,
    control:
      control ??
      (async (arena) => {
        // One after the other: outside they share everything.
        for (const [runtime, source] of codeOf(arena)) {
          const attempt = await arena.runOutside(runtime as PluginRuntime, source);
          if (wins === undefined)
            expect(attempt).toMatchObject({ output: expect.stringContaining(arena.targets.token) as string });
          else if (wins instanceof RegExp)
            expect(attempt).toMatchObject({ output: expect.stringMatching(wins) as string });
          else
            await expect.poll(() => arena.canaries.heard, { message: JSON.stringify(attempt) }).toContain(wins.heard);
        }
      }),
    async attempt(arena) {
      await forEach(arena, async (runtime, source) => {
        const attempt = await arena.run(hostile(runtime), source, timeoutMs === undefined ? {} : { timeoutMs });
        expectRefused(attempt, refused);
        if (wins instanceof RegExp) expect(attempt.output).not.toMatch(wins);
        if (isLasting) await arena.renew(hostile(runtime));
      });
    },
  };
}

export function expectRefused(attempt: Attempt, refused: RegExp): void {
  const { output, code, message } = attempt;
  expect({ ...attempt, said: `${output}\n${code ?? ""} ${message ?? ""}` }).toMatchObject({
    said: expect.stringMatching(refused) as string,
  });
}
