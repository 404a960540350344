import { LogoMeshError, type Approval, type ApprovalDetail, type DecideApprovalParams } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";
import { runCli, running } from "../testing/runCli.ts";

const AT = "2026-01-01T00:00:00.000Z";
/** What a plugin may put into a title, a path or a text to fool whoever reads the terminal. */
const EVIL = "\u001b]0;owned\u0007\u009b2J\u202e\nforged line";
const HASH = "ab".repeat(32);
const PATCH = [
  ...["diff --git a/src/a b/src/a", "--- a/src/a", "+++ b/src/a", "@@ -1,2 +1,2 @@"],
  ...[" same", "-old", "+new\u202e\u001b[31m", "\\ No newline at end of file", ""],
].join("\n");
const APPROVAL: Approval = {
  ...{ id: "apr_1", kind: "file-change", title: EVIL, status: "pending", contentHash: HASH, createdAt: AT },
  ...{ requestedBy: { type: "plugin", id: EVIL }, trace: { run: "run_1", task: EVIL } },
};
const DETAIL: ApprovalDetail = {
  ...APPROVAL,
  payload: {
    ...{ path: "src/a", baseSha256: null, baseText: null, text: "x", sha256: HASH, mode: 0o644 },
    ...{ patch: PATCH, reason: EVIL },
  },
  isUndoable: false,
};

function stub(change: Partial<ApprovalDetail> = {}, decided: Partial<ApprovalDetail> = {}) {
  return createStubWorkbench({
    listApprovals: ({ query }) => ({
      items: query.get("kind") === "model" ? [] : [APPROVAL],
      nextCursor: query.get("limit") === "1" ? "1" : null,
    }),
    getApproval: () => ({ ...DETAIL, ...change }),
    decideApproval: ({ body }) => {
      const { decision, contentHash } = body as DecideApprovalParams;
      if (contentHash !== HASH) throw new LogoMeshError("LM_APPROVAL_CONTENT", "other content");
      return { ...DETAIL, status: decision, isUndoable: decision === "approved", ...decided };
    },
    undoApproval: () => ({ ...DETAIL, status: "undone" }),
  });
}

const run = (
  argv: string[],
  options: { workbench?: ReturnType<typeof stub>; stdin?: string; isTTY?: boolean } = {},
) => {
  const { workbench = stub(), ...rest } = options;
  return runCli(argv, { workbenches: running(workbench), env: {}, ...rest });
};

/** Nothing of what a stranger wrote may reach the terminal as a command, or begin a line. */
function expectInert({ out, err }: { out: string; err: string }): void {
  const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
  const text = (out + err).replaceAll(colour, "");
  expect(["\u001b", "\u0007", "\u009b", "\u202e"].filter((character) => text.includes(character))).toEqual([]);
  expect(text).not.toMatch(/^forged line/m);
}

test("the list shows what waits; a filter shows the rest", async () => {
  const workbench = stub();
  const pending = await run(["approval", "list"], { workbench });
  expect(pending).toMatchObject({ code: 0 });
  expect(pending.out).toMatch(/^apr_1 {2}○ pending {2}file-change {2}/);
  expectInert(pending);
  expect((await run(["approval", "list", "--kind", "model"], { workbench })).out).toBe("No such approvals.\n");
  expect((await run(["approval", "list", "--limit", "1", "--status", "failed"], { workbench })).err).toContain(
    "--limit 2",
  );
  expect((await run(["approval", "list", "--status", "open"])).code).toBe(2);
  expect(JSON.parse((await run(["approval", "list", "--json"])).out)).toMatchObject({ items: [{ id: "apr_1" }] });
  expect(workbench.requests).toEqual([
    "GET /api/approvals?limit=50&status=pending",
    "GET /api/approvals?limit=50&kind=model",
    "GET /api/approvals?limit=1&status=failed",
  ]);
});

test("a file change is shown as a coloured diff with its hidden characters, which are counted", async () => {
  const shown = await run(["approval", "show", "apr_1"], { isTTY: true });
  expect(shown.code).toBe(0);
  expect(shown.out).toContain("\u001b[31m-\u001b[0m\u001b[31mold\u001b[0m\n");
  expect(shown.out).toContain("\u001b[33m⟨U+202E⟩\u001b[0m\u001b[33m⟨U+001B⟩\u001b[0m\u001b[32m[31m\u001b[0m\n");
  expect(shown.out).toContain("1 line added, 1 line removed, \u001b[31m2 hidden characters, shown as ⟨U+…⟩\u001b[0m");
  expect(shown.out).toContain(HASH);
  expectInert(shown);
  const plain = await run(["approval", "show", "apr_1"]);
  expect(plain.out).toContain(" same\n-old\n+new⟨U+202E⟩⟨U+001B⟩[31m\n\\ No newline at end of file\n");
  expectInert(plain);
});

test("another kind is shown as data, and a failure with its reason", async () => {
  const workbench = stub({
    ...{ kind: "model", status: "failed", payload: { name: EVIL }, outcome: { code: "LM_TIMEOUT", detail: EVIL } },
    ...{ decidedBy: { type: "person", id: "ada" }, comment: EVIL },
  });
  const shown = await run(["approval", "show", "apr_1"], { workbench });
  expect(shown.out).toContain("LM_TIMEOUT");
  expect(shown.out).toContain("decided by person:ada");
  expect(shown.err).toBe("");
  expectInert(shown);
  expect(JSON.parse((await run(["approval", "show", "apr_1", "--json"])).out)).toMatchObject({ id: "apr_1" });
});

test("approving shows the diff, asks, and binds the decision to what was shown", async () => {
  const workbench = stub();
  const approved = await run(["approval", "approve", "apr_1", "--comment", "fine"], { workbench, stdin: "y\n" });
  expect([approved.code, approved.out]).toEqual([0, "✓ approved apr_1\n"]);
  expect(approved.err).toContain("+new⟨U+202E⟩");
  expect(approved.err).toContain("approve this? [y/N]");
  expect(approved.err).toContain("logomesh approval undo apr_1");
  expectInert(approved);
  const body = JSON.stringify({ decision: "approved", contentHash: HASH, comment: "fine" });
  expect(workbench.requests).toEqual(["GET /api/approvals/apr_1", `POST /api/approvals/apr_1 ${body}`]);
});

test.each([["n\n"], [""], ["yess\n"]])("the answer %j decides nothing", async (stdin) => {
  const workbench = stub();
  expect(await run(["approval", "approve", "apr_1"], { workbench, stdin })).toMatchObject({ code: 1, out: "" });
  expect(await run(["approval", "undo", "apr_1"], { workbench, stdin })).toMatchObject({ code: 1, out: "" });
  expect(workbench.requests.every((request) => request.startsWith("GET"))).toBe(true);
});

test("a script says yes and may name the hash; another hash is refused", async () => {
  const workbench = stub();
  const options = { workbench };
  expect(await run(["approval", "reject", "apr_1", "--yes"], options)).toMatchObject({
    code: 0,
    out: "⊘ rejected apr_1\n",
  });
  const other = await run(["approval", "approve", "apr_1", "--yes", "--hash", "cd".repeat(32)], options);
  expect([other.code, other.out]).toEqual([1, ""]);
  expect(other.err).toContain("LM_APPROVAL_CONTENT");
  expect((await run(["approval", "approve", "apr_1", "--yes", "--hash", "abc"], options)).code).toBe(2);
  const json = await run(["approval", "approve", "apr_1", "--yes", "--hash", HASH, "--json"], options);
  expect(JSON.parse(json.out)).toMatchObject({ status: "approved" });
});

test("a decision that could not be carried out says why and exits with 1", async () => {
  const workbench = stub(
    {},
    { status: "failed", isUndoable: false, outcome: { code: "LM_FILE_MOVED_ON", detail: EVIL } },
  );
  const failed = await run(["approval", "approve", "apr_1", "--yes"], { workbench });
  expect(failed.code).toBe(1);
  expect(failed.out).toMatch(/^✗ failed apr_1\n {2}.*LM_FILE_MOVED_ON/);
  expectInert(failed);
});

test("an undo asks and says what it did", async () => {
  const undone = await run(["approval", "undo", "apr_1"], { stdin: "yes\n" });
  expect([undone.code, undone.out]).toEqual([0, "↶ undone apr_1\n"]);
  expect(undone.err).toContain("take this change back?");
  const json = await run(["approval", "undo", "apr_1", "--yes", "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ status: "undone" });
});
