import type { Plugin } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { ChangeFeed } from "./changeFeed.ts";

test("[PL81] who listens hears of running plugins once a second, of changes at once, and nothing when nobody listens", async () => {
  const clock = new FakeClock();
  const running = ["a"];
  using feed = new ChangeFeed({ clock, describe: (id) => ({ id }) as Plugin, running: () => running });
  const heard: string[] = [];
  const subscription = feed.subscribe(({ id }) => void heard.push(id));
  using _other = feed.subscribe(() => undefined);
  await clock.advance(3_000);
  expect(heard).toEqual(["a", "a", "a"]);
  feed.changed("b");
  expect(heard).toEqual(["a", "a", "a", "b"]);
  running.pop();
  await clock.advance(3_000);
  expect(heard).toHaveLength(4);
  subscription[Symbol.dispose]();
  running.push("a");
  await clock.advance(3_000);
  expect(heard).toHaveLength(4);
  _other[Symbol.dispose]();
  await clock.advance(3_000);
  using _again = feed.subscribe(({ id }) => void heard.push(id));
  await clock.advance(1_000);
  expect(heard).toHaveLength(5);
});
