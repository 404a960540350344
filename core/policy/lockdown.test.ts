import { LogoMeshError, type Actor, type Lockdown } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { createMemoryDatabase, type CreateWriterModule } from "../db/index.ts";
import type { AuditEntryDraft, AuditLog } from "../ports/index.ts";
import { FakeClock, createSeededRandom, silentLogger } from "../testing/index.ts";
import { LockdownSwitch, createPolicyWriterModule } from "./index.ts";

const PERSON: Actor = { type: "person", id: "p1" };

function setUp() {
  const entries: AuditEntryDraft[] = [];
  const disk = { isFull: false };
  const module: CreateWriterModule = () => ({
    name: "audit",
    commands: {
      "audit.append": (_context: unknown, draft: AuditEntryDraft) => {
        if (disk.isFull) throw new LogoMeshError("LM_DB_FULL", "The disk is full.");
        entries.push(draft);
      },
    },
  });
  const clock = new FakeClock();
  const database = createMemoryDatabase({
    modules: [createPolicyWriterModule, module],
    clock,
    random: createSeededRandom(3),
  });
  const audit: AuditLog = {
    command: (draft) => ({ name: "audit.append", params: draft }),
    append: () => Promise.reject(new Error("not used")),
    enqueue: () => undefined,
  };
  /** As a start does. */
  const open = (): LockdownSwitch => {
    const lockdown = new LockdownSwitch({ ...database, audit, clock, logger: silentLogger });
    onTestFinished(() => lockdown[Symbol.dispose]());
    return lockdown;
  };
  return { open, entries, disk, clock };
}

test("[PO34] a lockdown holds from the call on, survives a restart with its reason, and is left by a person", async () => {
  const { open, entries } = setUp();
  const lockdown = open();
  expect([lockdown.state, lockdown.denial]).toEqual([{ on: false }, undefined]);
  const heard: Lockdown[] = [];
  const subscription = lockdown.onDidChange((state) => void heard.push(state));
  const stored = lockdown.on({ reason: "A drill.", by: PERSON });
  expect(lockdown.denial).toMatch(/^LogoMesh is locked down: A drill\. To leave: logomesh lockdown off/);
  await stored;
  await lockdown.on({ reason: "Another reason.", by: PERSON });
  const again = open();
  expect(again.state).toEqual(lockdown.state);
  expect(again.state).toMatchObject({ on: true, reason: "A drill.", setBy: "person:p1" });
  await lockdown.off(PERSON);
  await lockdown.off(PERSON);
  expect([lockdown.state, open().state]).toEqual([{ on: false }, { on: false }]);
  expect(heard.map(({ on }) => on)).toEqual([true, false]);
  expect(entries.map(({ kind, actor }) => [kind, actor])).toEqual([
    ["lockdown.on", PERSON],
    ["lockdown.off", PERSON],
  ]);
  subscription[Symbol.dispose]();
  await lockdown.on({ reason: "x", by: PERSON });
  expect(heard).toHaveLength(2);
  expect(lockdown.stopError()).toMatchObject({
    code: "LM_POLICY_LOCKDOWN",
    message: expect.stringContaining("x"),
  });
});

test("[PO36] a cause that was known when the lockdown was left triggers none again, another one does", async () => {
  const { open, entries } = setUp();
  const lockdown = open();
  lockdown.trigger({ system: "audit", reason: "Entry 4 was changed.", cause: "entry 4" });
  lockdown.trigger({ system: "audit", reason: "Entry 5 was changed.", cause: "entry 5" });
  expect(lockdown.state).toMatchObject({ on: true, setBy: "system:audit", reason: "Entry 4 was changed." });
  await expect.poll(() => entries.length).toBe(1);
  const started = open();
  await started.off(PERSON);
  expect(entries[1]!.data).toEqual({ reason: "Entry 4 was changed.", acknowledged: ["entry 4"] });
  started.trigger({ system: "audit", reason: "Entry 4 was changed.", cause: "entry 4" });
  expect(started.state.on).toBe(false);
  started.trigger({ system: "audit", reason: "Entry 5 was changed.", cause: "entry 5" });
  expect(started.state.on).toBe(true);
  await expect.poll(() => entries.length).toBe(3);
  await started.off(PERSON);
  started.trigger({ system: "audit", reason: "The log cannot be written." });
  await expect.poll(() => entries.length).toBe(5);
  await started.off(PERSON);
  started.trigger({ system: "audit", reason: "The log cannot be written." });
  expect(started.state.on).toBe(true);
});

test("[PO34] [PO36] one that cannot be stored holds all the same, is tried again, and cannot be left until it can be", async () => {
  const { open, entries, disk, clock } = setUp();
  disk.isFull = true;
  const lockdown = open();
  lockdown.trigger({ system: "audit", reason: "The log cannot be written." });
  await clock.advance(500);
  await expect(lockdown.off(PERSON)).rejects.toMatchObject({ code: "LM_DB_FULL" });
  expect([lockdown.state.on, open().state.on]).toEqual([true, false]);
  disk.isFull = false;
  await clock.advance(60_000);
  await expect.poll(() => open().state.on).toBe(true);
  expect(entries.map(({ kind }) => kind)).toEqual(["lockdown.on"]);
  await lockdown.off(PERSON);
  expect(open().state.on).toBe(false);
});
