/** What waits in the fake workbench: a change with hidden characters, a new file, a task; and what was decided before. */
import { LogoMeshError, type ApprovalDetail, type ApprovalStatus, type JsonObject } from "@logomesh/contracts";
import { ago } from "./fixtures.ts";

const DECIDED = 120;

function fileChange(change: JsonObject): JsonObject {
  return {
    ...{
      path: "src/access.ts",
      baseSha256: hashOf(1),
      baseText: "",
      text: "",
      sha256: hashOf(2),
      mode: 0o644,
      patch: "",
    },
    ...change,
  };
}

const SNEAKY = [
  ...["diff --git a/src/access.ts b/src/access.ts", "--- a/src/access.ts", "+++ b/src/access.ts", "@@ -1,5 +1,5 @@"],
  " export function mayEnter(role: string): boolean {",
  '-  return role === "admin";',
  '+  return role !== "user\u202e \u2066// admins only\u2069 \u2066";',
  " }",
  " // العربية stays where it is",
  " export const roles = [];",
  "",
].join("\n");

export function approvalFixtures(): ApprovalDetail[] {
  return [
    approvalOf(0, {
      title: "Change src/access.ts",
      payload: fileChange({ patch: SNEAKY, reason: "Makes the check clearer." }),
    }),
    approvalOf(1, {
      title: "Create docs/summary.md",
      payload: fileChange({
        ...{ path: "docs/summary.md", baseSha256: null, baseText: null },
        patch: `diff --git a/docs/summary.md b/docs/summary.md\nnew file mode 100644\n--- /dev/null\n+++ b/docs/summary.md\n@@ -0,0 +1,900 @@\n${longText("+")}`,
      }),
    }),
    approvalOf(2, {
      ...{ kind: "task", title: "Publish the digest?", requestedBy: { type: "workflow", id: "reading-digest" } },
      ...{
        trace: { run: "run_01m8714xrz0000000000000000", task: "/do/3/publish" },
        payload: { digest: "Three books." },
      },
      expiresAt: ago(-3_600_000),
    }),
    ...Array.from({ length: DECIDED }, (_, index) => decidedOf(index + 3)),
  ];
}

function longText(sign: string): string {
  return Array.from({ length: 900 }, (_, index) => `${sign}Line ${index + 1} of the summary.\n`).join("");
}

const MOVED_ON = new LogoMeshError("LM_FILE_MOVED_ON", "“src/access.ts” holds something else by now.").toProblem();

function decidedOf(index: number): ApprovalDetail {
  const status =
    (["approved", "rejected", "failed", "expired", "undone"] satisfies ApprovalStatus[])[index % 5] ?? "approved";
  return approvalOf(index, {
    ...{ title: `Change src/part${index}.ts`, status, payload: fileChange({ patch: SNEAKY }) },
    ...{ decidedAt: ago(60_000 * index), decidedBy: { type: "client", id: "browser" }, settledAt: ago(60_000 * index) },
    ...(status === "failed" ? { outcome: { ...MOVED_ON } as JsonObject } : {}),
    ...(status === "undone" ? { undoneAt: ago(1000), undoneBy: { type: "client", id: "browser" } } : {}),
    isUndoable: status === "approved",
  });
}

function approvalOf(index: number, change: Partial<ApprovalDetail>): ApprovalDetail {
  return {
    ...{ id: `apr_01m8714xrz${String(index).padStart(16, "0")}`, kind: "file-change", title: "", status: "pending" },
    ...{ requestedBy: { type: "plugin", id: "org.logomesh.text-tools" }, trace: { plugin: "org.logomesh.text-tools" } },
    ...{ contentHash: hashOf(index), createdAt: ago(60_000 * index + 30_000), payload: {}, isUndoable: false },
    ...change,
  };
}

function hashOf(index: number): string {
  return index.toString(16).padStart(64, "9f2c4be1d07a55f3");
}
