import type { Approval, DecideApprovalParams, JsonObject } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { canonicalJson, createIdSource, sha256Hex } from "../base/index.ts";
import { createMemoryDatabase, type CreateWriterModule, type MemoryDatabase } from "../db/index.ts";
import type { ApprovalDraft, ApprovalOwner, AuditEntryDraft, AuditLog, DecidedApproval } from "../ports/index.ts";
import { createSeededRandom, FakeClock, silentLogger } from "../testing/index.ts";
import { createApprovalsWriterModule } from "./approvalsWriterModule.ts";
import { ApprovalInbox } from "./index.ts";

/** Stands in for the log's write half: remembers what was committed with the change, or refuses one kind. */
function createRecorder() {
  const recorder = { entries: [] as AuditEntryDraft[], refusedKind: "" };
  const module: CreateWriterModule = () => {
    return {
      name: "audit",
      commands: {
        "audit.append": (_context: unknown, draft: AuditEntryDraft) => {
          if (draft.kind === recorder.refusedKind) throw new Error(`${draft.kind} is refused`);
          recorder.entries = [...recorder.entries, draft];
        },
      },
      participant: {
        mark: () => recorder.entries,
        restore: (mark) => void (recorder.entries = mark as AuditEntryDraft[]),
      },
    };
  };
  const log: AuditLog = {
    command: (draft) => ({ name: "audit.append", params: draft }),
    append: () => Promise.resolve({ seq: 0 }),
    enqueue: () => undefined,
  };
  return Object.assign(recorder, { module, log });
}

interface World {
  inbox: ApprovalInbox;
  clock: FakeClock;
  recorder: ReturnType<typeof createRecorder>;
  database: MemoryDatabase;
  /** Another inbox over the same database: what the next start has. */
  restart(more?: { stopped: () => LogoMeshError | undefined }): ApprovalInbox;
}

function setUp(): World {
  const clock = new FakeClock();
  const random = createSeededRandom(11);
  const recorder = createRecorder();
  const database = createMemoryDatabase({ modules: [createApprovalsWriterModule, recorder.module], clock, random });
  const ids = createIdSource({ clock, random });
  const restart: World["restart"] = (more) =>
    new ApprovalInbox({ ...database, audit: recorder.log, clock, ids, logger: silentLogger, ...more });
  return { inbox: restart(), clock, recorder, database, restart };
}

const caller = { actor: { type: "person", id: "ada" } } as const;
const plugin = { type: "plugin", id: "org.example.notes" } as const;

function draftOf(change: Partial<ApprovalDraft> = {}): ApprovalDraft {
  return {
    kind: "file-change",
    title: "Change src/a",
    requestedBy: plugin,
    payload: { b: "text", a: [1, null] },
    trace: { plugin: plugin.id, run: "run_1", task: "/do/0/x" },
    ...change,
  };
}

/** An owner that remembers what it was given. */
function createOwner(answer: (approval: DecidedApproval) => unknown = () => ({ done: true })) {
  const calls: DecidedApproval[] = [];
  const owner: ApprovalOwner = async (approval) => {
    calls.push(approval);
    return (await answer(approval)) as JsonObject;
  };
  return { owner, calls };
}

const approve = (contentHash: string): DecideApprovalParams => ({ decision: "approved", contentHash });
const kindsOf = ({ recorder }: World): string[] => recorder.entries.map(({ kind }) => kind);

test("[AP1] [AP6] what is asked is stored, decided, carried out and logged", async () => {
  const world = setUp();
  const { inbox, recorder, clock } = world;
  const { owner, calls } = createOwner();
  inbox.own("file-change", owner);
  const draft = draftOf();
  const { approvalId, contentHash } = await inbox.request(draft);
  expect(contentHash).toBe(sha256Hex(canonicalJson(draft.payload)));
  const createdAt = new Date(clock.nowMs()).toISOString();
  const asked = {
    ...{ id: approvalId, kind: "file-change", title: "Change src/a", requestedBy: plugin },
    ...{ trace: draft.trace, contentHash, createdAt },
  };
  expect(await inbox.get(approvalId)).toEqual({
    ...asked,
    status: "pending",
    payload: draft.payload,
    isUndoable: false,
  });
  await clock.advance(5_000);
  const decidedAt = new Date(clock.nowMs()).toISOString();
  const decided = await inbox.decide(approvalId, { ...approve(contentHash), comment: "fine" }, caller);
  expect(decided).toEqual({
    ...asked,
    ...{ status: "approved", payload: draft.payload, outcome: { done: true }, isUndoable: false },
    ...{ decidedAt, decidedBy: caller.actor, comment: "fine", settledAt: decidedAt },
  });
  expect(calls).toEqual([
    {
      ...{ approvalId, kind: "file-change", payload: draft.payload, requestedBy: plugin, trace: draft.trace },
      ...{ decision: "approved", decidedBy: caller.actor, comment: "fine" },
    },
  ]);
  const data = { approval: approvalId, kind: "file-change", title: "Change src/a", contentHash };
  const json = (bytes: string) => ({ bytes, media: "application/json" });
  expect(recorder.entries).toEqual([
    {
      ...{ kind: "approval.requested", actor: plugin, trace: draft.trace, data },
      payload: { content: json(canonicalJson(draft.payload)) },
    },
    { kind: "approval.approved", actor: caller.actor, trace: draft.trace, data: { ...data, comment: "fine" } },
    {
      ...{ kind: "approval.completed", actor: { type: "system", id: "approvals" }, trace: draft.trace, data },
      payload: { outcome: json('{"done":true}') },
    },
  ]);
});

test("[AP1] [AP6] nothing is stored, decided or carried out when its entry cannot be written", async () => {
  const { inbox, recorder, database } = setUp();
  const { owner, calls } = createOwner();
  inbox.own("file-change", owner);
  recorder.refusedKind = "approval.requested";
  await expect(inbox.request(draftOf())).rejects.toThrow("is refused");
  expect(database.reader.get("SELECT count(*) AS n FROM approval")?.n).toBe(0);
  recorder.refusedKind = "approval.approved";
  const { approvalId, contentHash } = await inbox.request(draftOf());
  await expect(inbox.decide(approvalId, approve(contentHash), caller)).rejects.toThrow("is refused");
  expect((await inbox.get(approvalId)).status).toBe("pending");
  expect(calls).toEqual([]);
});

test("[AP2] what is too large, no JSON, or refused by the owner is not asked", async () => {
  const { inbox, database } = setUp();
  const check = (payload: JsonObject): void => {
    if (payload.bad === true) throw new LogoMeshError("LM_INPUT_INVALID", "bad payload");
  };
  inbox.own("file-change", createOwner().owner, { check });
  const codeOf = (payload: JsonObject) =>
    inbox.request(draftOf({ payload })).then(
      () => "stored",
      (error: unknown) => (error as LogoMeshError).code,
    );
  expect(await codeOf({ text: "x".repeat(8 * 1024 * 1024) })).toBe("LM_TOO_LARGE");
  expect(await codeOf({ text: "\ud800" })).toBe("LM_INPUT_INVALID");
  expect(await codeOf({ bad: true })).toBe("LM_INPUT_INVALID");
  expect(database.reader.get("SELECT count(*) AS n FROM approval")?.n).toBe(0);
  await expect(inbox.request(draftOf({ kind: "model" }))).rejects.toThrow("Nobody carries out approvals of kind model");
  const { approvalId } = await inbox.request(draftOf({ title: "t".repeat(500) }));
  expect((await inbox.get(approvalId)).title).toBe(`${"t".repeat(199)}…`);
  expect(() => inbox.own("file-change", createOwner().owner)).toThrow("have an owner already");
});

test("[AP3] a requester that floods the inbox fills its own share only", async () => {
  const { inbox } = setUp();
  inbox.own("file-change", createOwner().owner);
  const asked = [];
  for (let index = 0; index < 50; index++) asked.push(await inbox.request(draftOf({ payload: { index } })));
  await expect(inbox.request(draftOf())).rejects.toMatchObject({ code: "LM_APPROVAL_INBOX_FULL" });
  await inbox.request(draftOf({ requestedBy: { type: "plugin", id: "another" } }));
  const [first] = asked;
  await inbox.decide(first?.approvalId ?? "", { decision: "rejected", contentHash: first?.contentHash ?? "" }, caller);
  await inbox.request(draftOf());
});

test("[AP3] large requests of one requester are bounded by their bytes", async () => {
  const { inbox } = setUp();
  inbox.own("file-change", createOwner().owner);
  const payload = { text: "x".repeat(8 * 1024 * 1024 - 20) };
  for (let index = 0; index < 8; index++) await inbox.request(draftOf({ payload }));
  await expect(inbox.request(draftOf({ payload }))).rejects.toMatchObject({ code: "LM_APPROVAL_INBOX_FULL" });
});

test("[AP4] a decision about other content is refused and names what waits", async () => {
  const world = setUp();
  world.inbox.own("file-change", createOwner().owner);
  const { approvalId, contentHash } = await world.inbox.request(draftOf());
  const other = sha256Hex("other");
  await expect(world.inbox.decide(approvalId, approve(other), caller)).rejects.toMatchObject({
    code: "LM_APPROVAL_CONTENT",
    message: expect.stringContaining(other) as string,
    data: { contentHash },
  });
  expect((await world.inbox.get(approvalId)).status).toBe("pending");
  expect(kindsOf(world)).toEqual(["approval.requested"]);
});

test("[AP5] of many decisions at the same time one counts", async () => {
  const world = setUp();
  const { inbox } = world;
  const { owner, calls } = createOwner();
  inbox.own("file-change", owner);
  const { approvalId, contentHash } = await inbox.request(draftOf());
  const decisions = Array.from({ length: 20 }, (_, index) =>
    inbox.decide(approvalId, { decision: index % 2 === 0 ? "rejected" : "approved", contentHash }, caller),
  );
  const results = await Promise.allSettled(decisions);
  const lost = results.filter((result) => result.status === "rejected").map(({ reason }) => reason as LogoMeshError);
  expect(lost.map(({ code }) => code)).toEqual(Array.from({ length: 19 }, () => "LM_APPROVAL_DECIDED"));
  expect(new Set(lost.map(({ data }) => data?.status))).toEqual(new Set([(await inbox.get(approvalId)).status]));
  expect(calls).toHaveLength(1);
  expect(kindsOf(world)).toHaveLength(3);
});

test("[AP7] what the owner throws is the outcome of a failed approval; a rejection stands", async () => {
  const world = setUp();
  const { inbox, recorder } = world;
  const { owner } = createOwner(() => {
    throw new LogoMeshError("LM_FILE_MOVED_ON", "the base moved");
  });
  inbox.own("file-change", owner);
  const first = await inbox.request(draftOf());
  const failed = await inbox.decide(first.approvalId, approve(first.contentHash), caller);
  expect(failed).toMatchObject({ status: "failed", outcome: { code: "LM_FILE_MOVED_ON", detail: "the base moved" } });
  expect(recorder.entries.at(-1)).toMatchObject({ kind: "approval.failed" });
  const second = await inbox.request(draftOf());
  const { contentHash } = second;
  const rejected = await inbox.decide(second.approvalId, { decision: "rejected", contentHash }, caller);
  expect(rejected).toMatchObject({ status: "rejected", outcome: { code: "LM_FILE_MOVED_ON" } });
  expect(recorder.entries.at(-1)).toMatchObject({ kind: "approval.completed" });
});

test("[AP7] an outcome that is too large is a failure, not a stored megabyte", async () => {
  const { inbox } = setUp();
  inbox.own("file-change", createOwner(() => ({ text: "x".repeat(100_000) })).owner);
  const { approvalId, contentHash } = await inbox.request(draftOf());
  const { status, outcome } = await inbox.decide(approvalId, approve(contentHash), caller);
  expect([status, (outcome as JsonObject).code]).toEqual(["failed", "LM_INTERNAL"]);
});

test("[AP8] a decision whose outcome was cut off is carried out by the next start, once", async () => {
  const world = setUp();
  const { recorder } = world;
  const applied = new Set<string>();
  const owner: ApprovalOwner = ({ approvalId }) => {
    applied.add(approvalId);
    return Promise.resolve("applied");
  };
  world.inbox.own("file-change", owner);
  const { approvalId, contentHash } = await world.inbox.request(draftOf());
  // As a crash: the change is made, the outcome is not on disk.
  recorder.refusedKind = "approval.completed";
  await expect(world.inbox.decide(approvalId, approve(contentHash), caller)).rejects.toThrow("is refused");
  expect(await world.inbox.get(approvalId)).toMatchObject({ status: "approved", isUndoable: false });
  recorder.refusedKind = "";
  const next = world.restart();
  next.own("file-change", owner);
  expect(await next.recover()).toBe(1);
  expect(await next.get(approvalId)).toMatchObject({ status: "approved", outcome: "applied", decidedBy: caller.actor });
  expect(applied.size).toBe(1);
  expect(kindsOf(world)).toEqual(["approval.requested", "approval.approved", "approval.completed"]);
  expect(await next.recover()).toBe(0);
});

test("[AP8] what nobody owns any more waits for a start that has its owner", async () => {
  const world = setUp();
  const { owner } = createOwner(() => Promise.reject(new DOMException("stopped", "AbortError")));
  world.inbox.own("file-change", owner);
  const { approvalId, contentHash } = await world.inbox.request(draftOf());
  await expect(world.inbox.decide(approvalId, approve(contentHash), caller)).rejects.toThrow("stopped");
  const next = world.restart();
  expect(await next.recover()).toBe(1);
  expect(await next.get(approvalId)).toMatchObject({ status: "approved" });
  next.own("file-change", createOwner().owner);
  await next.recover();
  expect(await next.get(approvalId)).toMatchObject({ status: "approved", outcome: { done: true } });
});

test("[AP8] an undo that was cut off is finished by the next start", async () => {
  const world = setUp();
  world.inbox.own("file-change", createOwner().owner, { undo: () => Promise.resolve() });
  const { approvalId, contentHash } = await world.inbox.request(draftOf());
  await world.inbox.decide(approvalId, approve(contentHash), caller);
  world.recorder.refusedKind = "approval.undone";
  const undoer = { actor: { type: "person", id: "eve" } } as const;
  await expect(world.inbox.undo(approvalId, undoer)).rejects.toThrow("is refused");
  world.recorder.refusedKind = "";
  const next = world.restart();
  next.own("file-change", createOwner().owner, { undo: () => Promise.resolve() });
  await next.recover();
  expect(await next.get(approvalId)).toMatchObject({ status: "undone", undoneBy: undoer.actor });
});

test("[AP8] closing waits for what is being carried out", async () => {
  const { inbox } = setUp();
  const { promise, resolve } = Promise.withResolvers<string>();
  inbox.own("file-change", () => promise);
  const { approvalId, contentHash } = await inbox.request(draftOf());
  const decided = inbox.decide(approvalId, approve(contentHash), caller);
  await new Promise((done) => setImmediate(done));
  let isClosed = false;
  const closing = inbox[Symbol.asyncDispose]().then(() => (isClosed = true));
  await new Promise((done) => setImmediate(done));
  expect(isClosed).toBe(false);
  resolve("late");
  await closing;
  expect(await decided).toMatchObject({ outcome: "late" });
});

test("[AP9] what is not decided in time expires, and its owner is told", async () => {
  const world = setUp();
  const { inbox, clock } = world;
  const { owner, calls } = createOwner();
  inbox.own("file-change", owner);
  const late = await inbox.request(draftOf({ expiresInMs: 60_000 }));
  const soon = await inbox.request(draftOf({ expiresInMs: 1_000 }));
  const never = await inbox.request(draftOf());
  await clock.advance(1_000);
  expect(await inbox.get(soon.approvalId)).toMatchObject({ status: "expired", decidedBy: { type: "system" } });
  expect(calls.map(({ approvalId, decision }) => [approvalId, decision])).toEqual([[soon.approvalId, "expired"]]);
  await expect(inbox.decide(soon.approvalId, approve(soon.contentHash), caller)).rejects.toMatchObject({
    code: "LM_APPROVAL_DECIDED",
    data: { status: "expired" },
  });
  await inbox.decide(late.approvalId, approve(late.contentHash), caller);
  await clock.advance(100_000);
  expect((await inbox.get(late.approvalId)).status).toBe("approved");
  expect((await inbox.get(never.approvalId)).status).toBe("pending");
  expect(clock.nextTimerMs()).toBeUndefined();
});

test("[AP9] a decision between the end and its noting is refused, and the next start notes the end", async () => {
  const world = setUp();
  world.inbox.own("file-change", createOwner().owner);
  const { approvalId, contentHash } = await world.inbox.request(draftOf({ expiresInMs: 1_000 }));
  await world.inbox[Symbol.asyncDispose]();
  await world.clock.advance(1_000);
  await expect(world.inbox.decide(approvalId, approve(contentHash), caller)).rejects.toMatchObject({
    data: { status: "expired" },
  });
  const next = world.restart();
  next.own("file-change", createOwner().owner);
  await next.recover();
  await world.clock.advance(0);
  expect((await next.get(approvalId)).status).toBe("expired");
});

test("[AP9] an end that cannot be noted does not stop the inbox", async () => {
  const world = setUp();
  world.inbox.own("file-change", createOwner().owner);
  const { approvalId } = await world.inbox.request(draftOf({ expiresInMs: 1_000 }));
  world.recorder.refusedKind = "approval.expired";
  await world.clock.advance(1_000);
  expect((await world.inbox.get(approvalId)).status).toBe("pending");
  world.recorder.refusedKind = "";
  await world.inbox.request(draftOf({ expiresInMs: 60_000 }));
  await world.clock.advance(0);
  expect((await world.inbox.get(approvalId)).status).toBe("expired");
});

test("[AP10] what was carried out is undone once", async () => {
  const world = setUp();
  const { inbox } = world;
  const undone: DecidedApproval[] = [];
  const undo = (approval: DecidedApproval) => {
    undone.push(approval);
    return Promise.resolve();
  };
  inbox.own("file-change", createOwner().owner, { undo });
  const { approvalId, contentHash } = await inbox.request(draftOf());
  await expect(inbox.undo(approvalId, caller)).rejects.toMatchObject({
    code: "LM_APPROVAL_NOT_UNDOABLE",
    data: { status: "pending" },
  });
  expect((await inbox.decide(approvalId, approve(contentHash), caller)).isUndoable).toBe(true);
  const results = await Promise.allSettled([inbox.undo(approvalId, caller), inbox.undo(approvalId, caller)]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(await inbox.get(approvalId)).toMatchObject({ status: "undone", undoneBy: caller.actor, isUndoable: false });
  expect(undone).toHaveLength(1);
  expect(kindsOf(world).slice(3)).toEqual(["approval.undo-requested", "approval.undone"]);
});

test("[AP10] an undo that fails leaves the approval as it was, and can be tried again", async () => {
  const world = setUp();
  const { inbox } = world;
  const state = { hasMovedOn: true };
  const undo = () => {
    if (state.hasMovedOn) throw new LogoMeshError("LM_FILE_MOVED_ON", "edited since");
    return Promise.resolve();
  };
  inbox.own("file-change", createOwner().owner, { undo });
  inbox.own("task", createOwner().owner);
  const { approvalId, contentHash } = await inbox.request(draftOf());
  await inbox.decide(approvalId, approve(contentHash), caller);
  await expect(inbox.undo(approvalId, caller)).rejects.toMatchObject({ code: "LM_FILE_MOVED_ON" });
  expect(await inbox.get(approvalId)).toMatchObject({ status: "approved", isUndoable: true });
  state.hasMovedOn = false;
  expect((await inbox.undo(approvalId, caller)).status).toBe("undone");
  expect(kindsOf(world).slice(3)).toEqual([
    ...["approval.undo-requested", "approval.undo-failed", "approval.undo-requested", "approval.undone"],
  ]);
  const task = await inbox.request(draftOf({ kind: "task" }));
  await expect(inbox.undo(task.approvalId, caller)).rejects.toThrow("kind task cannot be undone");
});

test("[AP11] pages go from new to old by kind and status, and neither repeat nor skip", async () => {
  const { inbox, clock } = setUp();
  inbox.own("file-change", createOwner().owner);
  inbox.own("task", createOwner().owner);
  const ids: string[] = [];
  for (let index = 0; index < 7; index++) {
    const kind = index % 2 === 0 ? "file-change" : "task";
    ids.push((await inbox.request(draftOf({ kind, payload: { index } }))).approvalId);
    if (index % 3 === 0) await clock.advance(5);
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await inbox.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.items.map(({ id }) => id));
    await inbox.request(draftOf({ requestedBy: { type: "plugin", id: "later" } }));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(ids.toReversed());
  const first = await inbox.get(ids[1] ?? "");
  await inbox.decide(first.id, approve(first.contentHash), caller);
  const titles = async (query: object) => (await inbox.list({ limit: 50, ...query })).items.map(({ id }) => id);
  expect(await titles({ kind: "task", status: "pending" })).toEqual([ids[5], ids[3]]);
  expect(await titles({ status: "approved" })).toEqual([first.id]);
  await expect(inbox.get("apr_none")).rejects.toMatchObject({ code: "LM_APPROVAL_NOT_FOUND" });
  await expect(inbox.decide("apr_none", approve("0"), caller)).rejects.toMatchObject({ code: "LM_APPROVAL_NOT_FOUND" });
  await expect(inbox.list({ limit: 3, cursor: "1' OR 1" })).rejects.toMatchObject({ code: "LM_INPUT_INVALID" });
});

test("[AP16] while everything is stopped nothing is approved or carried out, but rejected and undone", async () => {
  const world = setUp();
  const { owner, calls } = createOwner();
  const stop: { error?: LogoMeshError } = {};
  const inbox = world.restart({ stopped: () => stop.error });
  inbox.own("file-change", owner, { undo: () => Promise.resolve() });
  const [done, open, other] = [
    await inbox.request(draftOf()),
    await inbox.request(draftOf()),
    await inbox.request(draftOf()),
  ];
  await inbox.decide(done.approvalId, approve(done.contentHash), caller);
  world.recorder.refusedKind = "approval.completed";
  await expect(inbox.decide(other.approvalId, approve(other.contentHash), caller)).rejects.toThrow("is refused");
  world.recorder.refusedKind = "";
  stop.error = new LogoMeshError("LM_POLICY_LOCKDOWN", "locked down");
  await expect(inbox.decide(open.approvalId, approve(open.contentHash), caller)).rejects.toThrow("locked down");
  expect((await inbox.get(open.approvalId)).status).toBe("pending");
  expect(await inbox.recover()).toBe(0);
  expect(calls).toHaveLength(2);
  expect((await inbox.undo(done.approvalId, caller)).status).toBe("undone");
  const { contentHash } = open;
  expect((await inbox.decide(open.approvalId, { decision: "rejected", contentHash }, caller)).status).toBe("rejected");
  delete stop.error;
  expect(await inbox.recover()).toBe(1);
});

test("[AP19] what is stopped after the decision was stored is not carried out, until a start that may", async () => {
  const world = setUp();
  const { owner, calls } = createOwner();
  const stop: { error?: LogoMeshError } = {};
  const inbox = world.restart({ stopped: () => stop.error });
  inbox.own("file-change", owner);
  const { approvalId, contentHash } = await inbox.request(draftOf());
  using _lockdown = inbox.subscribe(({ approval }) => {
    if (approval.status === "approved") stop.error ??= new LogoMeshError("LM_POLICY_LOCKDOWN", "locked down");
  });
  await expect(inbox.decide(approvalId, approve(contentHash), caller)).rejects.toThrow("locked down");
  expect([(await inbox.get(approvalId)).status, calls.length]).toEqual(["approved", 0]);
  _lockdown[Symbol.dispose]();
  delete stop.error;
  expect([await inbox.recover(), calls.length]).toEqual([1, 1]);
});

test("[AP12] listeners are told of each change and how much waits", async () => {
  const { inbox } = setUp();
  const told: [Approval["status"], boolean, number][] = [];
  const subscription = inbox.subscribe(({ approval, pending }) =>
    told.push([approval.status, approval.settledAt !== undefined, pending]),
  );
  inbox.own("file-change", createOwner().owner);
  const { approvalId, contentHash } = await inbox.request(draftOf());
  await inbox.decide(approvalId, approve(contentHash), caller);
  subscription[Symbol.dispose]();
  await inbox.request(draftOf());
  expect(told).toEqual([
    ["pending", false, 1],
    ["approved", false, 0],
    ["approved", true, 0],
  ]);
  expect(inbox.pendingCount()).toBe(1);
});
