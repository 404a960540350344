import { expect, onTestFinished, test, vi } from "vitest";
import { OwnToken, RENEW_MS } from "./ownToken.ts";

function setUp() {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const log: string[] = [];
  const state = { count: 0, isBroken: false };
  const make = () =>
    OwnToken.make({
      create: () => {
        if (state.isBroken) return Promise.reject(new Error("no workbench"));
        const id = `tok_${(state.count += 1)}`;
        log.push(`create ${id}`);
        return Promise.resolve({
          id,
          name: "mcp",
          scopes: ["mcp"],
          tools: [],
          createdAt: "",
          token: `lm_${id}`,
        } as never);
      },
      revoke: (id) => {
        log.push(`revoke ${id}`);
        return id === "tok_2" ? Promise.reject(new Error("gone")) : Promise.resolve();
      },
      note: (text) => log.push(text),
    });
  return { log, state, make };
}

test("[CM3] a bridge that lives on has a new token twice a day, and the last is revoked with it", async () => {
  const { log, make } = setUp();
  {
    await using own = await make();
    expect(own.value).toBe("lm_tok_1");
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    expect(own.value).toBe("lm_tok_2");
  }
  await vi.advanceTimersByTimeAsync(2 * RENEW_MS);
  expect(log).toEqual([
    ...["create tok_1", "create tok_2", "revoke tok_1", "revoke tok_2"],
    "The token tok_2 could not be revoked: Error: gone",
  ]);
});

test("[CM3] a renewal that fails keeps the token that there is, and says so", async () => {
  const { log, state, make } = setUp();
  await using own = await make();
  state.isBroken = true;
  await vi.advanceTimersByTimeAsync(RENEW_MS);
  expect(own.value).toBe("lm_tok_1");
  expect(log.at(-1)).toBe("The token could not be renewed: Error: no workbench");
});
