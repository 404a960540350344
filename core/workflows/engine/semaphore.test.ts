import { expect, test } from "vitest";
import { Semaphore } from "./semaphore.ts";

test("[WF7] so many are in at once, the others follow in order, and a place is given back once", async () => {
  const places = new Semaphore(1);
  const { signal } = new AbortController();
  const order: string[] = [];
  const leave = await places.enter(signal);
  const second = places.enter(signal).then((left) => (order.push("second"), left));
  const third = places.enter(signal).then((left) => (order.push("third"), left));
  leave();
  leave();
  const leaveSecond = await second;
  expect(order).toEqual(["second"]);
  leaveSecond();
  (await third)();
  expect(order).toEqual(["second", "third"]);
  (await places.enter(signal))();
});

test("[WF30] whoever is aborted leaves the line, and who is aborted already does not join it", async () => {
  const places = new Semaphore(1);
  const leave = await places.enter(new AbortController().signal);
  const abort = new AbortController();
  const waiting = places.enter(abort.signal);
  abort.abort(new Error("no longer"));
  await expect(waiting).rejects.toThrow("no longer");
  await expect(places.enter(abort.signal)).rejects.toThrow("no longer");
  leave();
  (await places.enter(new AbortController().signal))();
});
