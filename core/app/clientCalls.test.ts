import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { AuditEntryDraft, PolicyRequest } from "../ports/index.ts";
import { FakeClock } from "../testing/index.ts";
import { ClientCalls } from "./clientCalls.ts";
import type { Caller } from "./workbench.ts";

const caller: Caller = {
  actor: { type: "client", id: "desk" },
  principal: { type: "Client", id: "tok_1" },
  scopes: ["mcp"],
};
const READ = { action: "thought.read", resource: { type: "Thoughts", id: "*" } } as const;

function setUp(denied = "") {
  const entries: AuditEntryDraft[] = [];
  const asked: PolicyRequest[] = [];
  const clock = new FakeClock();
  const calls = new ClientCalls({
    clock,
    audit: {
      command: () => ({ name: "unused", params: null }),
      append: () => Promise.resolve({ seq: 0 }),
      enqueue: (draft) => void entries.push(draft),
    },
    policy: {
      decide: ({ action }) => ({ allowed: action !== denied, policies: [], reason: "" }),
      require: (request) => {
        asked.push(request);
        if (request.action === denied) throw new LogoMeshError("LM_POLICY_DENIED", "Not this.");
      },
    },
  });
  const stop = new AbortController();
  return { calls, entries, asked, clock, stop, by: { caller, signal: stop.signal } };
}

test("[MC7] a call is asked of the policy and leaves an entry with token, arguments and outcome", async () => {
  const { calls, entries, asked, clock, by } = setUp();
  const result = await calls.perform({ tool: "thought_get", arguments: { id: "t" }, needs: READ }, by, async () => {
    await clock.advance(3);
    return { content: [] };
  });
  expect(result).toEqual({ content: [] });
  expect(asked).toEqual([{ principal: caller.principal, ...READ }]);
  expect(entries).toEqual([
    {
      kind: "mcp.called",
      actor: caller.actor,
      trace: { status: "completed" },
      data: {
        token: "tok_1",
        tool: "thought_get",
        resultBytes: 14,
        resultSha256: "8d5706cde045094a27e62ca6e2450d5961a1af1ef704c626199cb1aec16b908f",
        durationUs: 3_000,
      },
      payload: { arguments: { bytes: '{"id":"t"}', media: "application/json" } },
    },
  ]);
});

test("[MC7] denials, failures, answers with isError and cancelled calls are entries too", async () => {
  const denied = setUp("thought.read");
  const work = () => Promise.reject(new Error("not reached"));
  const call = { tool: `${"x".repeat(300)}\ud800`, arguments: {} };
  await expect(denied.calls.perform({ ...call, needs: READ }, denied.by, work)).rejects.toMatchObject({
    code: "LM_POLICY_DENIED",
  });
  expect(denied.entries[0]).toMatchObject({ trace: { status: "denied" }, data: { code: "LM_POLICY_DENIED" } });
  expect(denied.entries[0]?.data?.tool).toBe("x".repeat(200));
  const { calls, entries, by, stop } = setUp();
  await expect(calls.perform(call, by, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await calls.perform(call, by, () => Promise.resolve({ isError: true }));
  stop.abort();
  await expect(calls.perform(call, by, () => Promise.reject(new Error("aborted")))).rejects.toThrow("aborted");
  expect(entries.map(({ trace }) => trace?.status)).toEqual(["faulted", "faulted", "cancelled"]);
});

test("[MC13] reading a workflow is asked by its namespace and name", () => {
  const open = setUp();
  const digest = { namespace: "default", name: "digest" };
  expect(open.calls.mayRead(digest, caller)).toBe(true);
  open.calls.requireRead(digest, caller);
  expect(open.asked).toEqual([
    {
      principal: caller.principal,
      action: "workflow.read",
      resource: { type: "Workflow", id: "default/digest" },
    },
  ]);
  const closed = setUp("workflow.read");
  expect(closed.calls.mayRead(digest, caller)).toBe(false);
  expect(() => closed.calls.requireRead(digest, caller)).toThrow("Not this.");
});
