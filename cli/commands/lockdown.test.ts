import type { Lockdown } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { runCli, running } from "../testing/runCli.ts";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";

const EVIL = "\u001b]0;owned\u0007\nforged line";
const ON: Lockdown = {
  on: true,
  reason: EVIL,
  setBy: EVIL,
  setAt: "2026-01-01T00:00:00.000Z",
  leave: "logomesh lockdown off",
};
const workbench = createStubWorkbench({
  beginLockdown: () => ON,
  endLockdown: () => ({ on: false }),
  getLockdown: () => ON,
});
const options = { workbenches: running(workbench) };

test("a lockdown is turned on with a reason, shown with the way out, and left", async () => {
  const on = await runCli(["lockdown", "on", "A drill."], options);
  expect([on.code, on.out]).toEqual([
    0,
    expect.stringMatching(/^■ Locked down since .*\n {2}␛.*\n {2}forged line\n {2}To leave: logomesh/),
  ]);
  expect(workbench.requests.at(-1)).toBe('POST /api/lockdown {"reason":"A drill."}');
  await runCli(["lockdown", "on"], options);
  expect(workbench.requests.at(-1)).toBe("POST /api/lockdown");
  expect((await runCli(["lockdown", "status", "--json"], options)).out).toContain('"on":true');
  expect((await runCli(["lockdown", "off"], options)).out).toBe("✓ No lockdown\n");
});
