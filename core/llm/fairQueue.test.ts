import { expect, test } from "vitest";
import { FairQueue } from "./fairQueue.ts";

const NEVER = new AbortController().signal;

/** Enters in the given order and leaves at once when let in; answers the order of entering. */
async function orderOf(callers: string[], places = 1): Promise<string[]> {
  const queue = new FairQueue({ provider: "p", places });
  const entered: string[] = [];
  const counts = new Map<string, number>();
  await Promise.all(
    callers.map(async (caller) => {
      const count = (counts.get(caller) ?? 0) + 1;
      counts.set(caller, count);
      const leave = await queue.enter(caller, NEVER);
      entered.push(`${caller}${count}`);
      await Promise.resolve();
      leave();
    }),
  );
  return entered;
}

test("[LM5] callers take turns and keep their own order", async () => {
  expect(await orderOf(["a", "a", "a", "b", "b", "c"])).toEqual(["a1", "a2", "b1", "c1", "a3", "b2"]);
});

test("[LM5] as many as there are places are inside, never more", async () => {
  const queue = new FairQueue({ provider: "p", places: 2 });
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 9 }, async (_, index) => {
      const leave = await queue.enter(`c${index % 3}`, NEVER);
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      leave();
      leave();
    }),
  );
  expect([most, inside]).toEqual([2, 0]);
});

test("[LM5] a full queue refuses, and is free again afterwards", async () => {
  const queue = new FairQueue({ provider: "p", places: 1 });
  const leave = await queue.enter("a", NEVER);
  const waiting = Array.from({ length: 500 }, () => queue.enter("a", NEVER).then((leaveLater) => leaveLater()));
  await expect(queue.enter("b", NEVER)).rejects.toMatchObject({ code: "LM_LLM_BUSY" });
  leave();
  await Promise.all(waiting);
  (await queue.enter("b", NEVER))();
});

test("[LM7] who is aborted while waiting leaves the line with the reason", async () => {
  const queue = new FairQueue({ provider: "p", places: 1 });
  const leave = await queue.enter("a", NEVER);
  const controller = new AbortController();
  const gone = queue.enter("b", controller.signal);
  const next = queue.enter("c", NEVER);
  const reason = new Error("stop");
  controller.abort(reason);
  await expect(gone).rejects.toBe(reason);
  await expect(queue.enter("b", controller.signal)).rejects.toBe(reason);
  leave();
  (await next)();
  (await queue.enter("d", NEVER))();
});
