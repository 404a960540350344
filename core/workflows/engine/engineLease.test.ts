import { expect, test } from "vitest";
import { FakeClock } from "../../testing/index.ts";
import { ADMIN, createEngineHarness, hang, settle, workflow } from "../testing/engineHarness.ts";

const PAY = workflow(`do: [ { p: { wait: PT1S } }, { pay: { call: plugin, with: { plugin: t, tool: pay } } } ]`);
/** Within which a run has an owner again after its engine died. */
const OWNED_AGAIN_MS = 10_000;

test("[WF221] engines on one database leave each other's runs alone, and each finishes its own", async () => {
  const harness = createEngineHarness({ sharesStore: true });
  const { engine: first, clock } = harness;
  await first.recover();
  const second = harness.join(clock);
  await second.recover();
  const runs = await Promise.all(
    [first, second].map((engine) =>
      engine.start({ source: workflow(`do: [ { p: { wait: PT30S } }, { s: { set: { v: 1 } } } ]`) }, ADMIN),
    ),
  );
  await clock.advance(31_000);
  await settle();
  for (const run of runs) expect(await first.getRun(run.id)).toMatchObject({ status: "completed", recoveries: 0 });
  expect(harness.calls).toEqual([]);
  await Promise.all([first, second].map((engine) => engine[Symbol.asyncDispose]()));
});

test("[WF222] the runs of an engine that is heard of no more go on elsewhere within 10 s, and its late writes change nothing", async () => {
  const harness = createEngineHarness({ sharesStore: true });
  const { engine: first, clock: pausedClock } = harness;
  const aborted: string[] = [];
  harness.tools.set("t#gate", {
    effect: "idempotent",
    behave: (call, signal) => {
      signal.addEventListener("abort", () => aborted.push(call.tool));
      return hang()(call, signal);
    },
  });
  await first.recover();
  const gate = workflow(`do: [ { g: { call: plugin, with: { plugin: t, tool: gate } } } ]`);
  const held = await first.start({ source: gate }, ADMIN);
  const waits = await first.start({ source: PAY.replace("PT1S", "PT8S") }, ADMIN);
  await settle();

  // The first process is stopped: its clock stands still. The second one looks for it as time goes by.
  const clock = new FakeClock(pausedClock.nowMs());
  const second = harness.join(clock);
  await second.recover();
  harness.tools.set("t#pay", { effect: "once", behave: () => ({ paid: true }) });
  let ownedAfterMs = 0;
  while (ownedAfterMs < OWNED_AGAIN_MS && (await second.getRun(held.id)).recoveries === 0) {
    await clock.advance(500);
    await settle(2);
    ownedAfterMs += 500;
  }
  expect(ownedAfterMs).toBeLessThan(OWNED_AGAIN_MS);
  expect(aborted).toEqual([]);
  await clock.advance(3_000);
  await settle();
  const ended = await second.getRun(waits.id);
  expect(ended).toMatchObject({ status: "completed", output: { paid: true }, recoveries: 1 });

  // It goes on: its timer wakes the run that it believes to have, and its lease is gone.
  await pausedClock.advance(12_000);
  await settle();
  expect(aborted).toEqual(["gate"]);
  expect(harness.calls.filter(({ tool }) => tool === "pay")).toHaveLength(1);
  expect(await second.getRun(waits.id)).toEqual(ended);
  expect(await second.getRun(held.id)).toMatchObject({ status: "running", recoveries: 1 });

  // Under its new name it serves new runs, and what the second one leaves.
  const next = await first.start({ source: workflow(`do: [ { s: { set: { v: 2 } } } ]`), waitMs: 100 }, ADMIN);
  expect(next).toMatchObject({ status: "completed", output: { v: 2 } });
  await second[Symbol.asyncDispose]();
  for (let turn = 0; turn < 12; turn += 1) await pausedClock.advance(1_000);
  await settle();
  expect(await first.getRun(held.id)).toMatchObject({ status: "running", recoveries: 2 });
  await first[Symbol.asyncDispose]();
});

test("[WF222] a cancel by an engine that does not have the run is refused and changes nothing", async () => {
  const harness = createEngineHarness({ sharesStore: true });
  await harness.engine.recover();
  const run = await harness.engine.start({ source: workflow(`do: [ { p: { wait: PT1H } } ]`) }, ADMIN);
  const second = harness.join(harness.clock);
  await second.recover();
  await expect(second.cancel(run.id, ADMIN)).rejects.toMatchObject({ code: "LM_WORKFLOW_LEASE_LOST" });
  expect(await harness.engine.cancel(run.id, ADMIN)).toMatchObject({ status: "cancelled", recoveries: 0 });
  await Promise.all([harness.engine, second].map((engine) => engine[Symbol.asyncDispose]()));
});
