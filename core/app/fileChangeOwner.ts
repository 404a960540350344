import { FileChangeSchema, LogoMeshError, type FileChangePayload, type JsonObject } from "@logomesh/contracts";
import type { ApprovalOwner, ApprovalOwnerOptions, AuthorizePath, FileAccess, Policy } from "../ports/index.ts";

/** What carries out approvals of kind `file-change`: the change that was approved, to the file that the person saw named. */
export function createFileChangeOwner({
  files,
  policy,
  stopped,
}: {
  files: FileAccess;
  policy: Policy;
  /** Why nothing may be written now: a lockdown. */
  stopped: () => LogoMeshError | undefined;
}): {
  owner: ApprovalOwner;
  options: ApprovalOwnerOptions;
} {
  return {
    async owner({ payload, decision, requestedBy }) {
      const change = parseChange(payload);
      if (decision !== "approved") return { path: change.path };
      await files.apply(change, {
        authorize(path) {
          requireSamePath(path, change);
          const stop = stopped();
          if (stop !== undefined) throw stop;
          // Consent does not outlive the right to ask: a grant that was taken back, or a new rule of the constitution, still counts.
          if (requestedBy.type !== "plugin") return;
          policy.require({
            principal: { type: "Plugin", id: requestedBy.id },
            action: "fs.propose",
            resource: { type: "File", id: path },
          });
        },
      });
      return { path: change.path, sha256: change.sha256 };
    },
    options: {
      check: parseChange,
      async undo({ payload }) {
        const change = parseChange(payload);
        await files.undo(change, { authorize: (path) => requireSamePath(path, change) });
      },
    },
  };
}

/** @throws LogoMeshError LM_INPUT_INVALID */
function parseChange(payload: JsonObject): FileChangePayload {
  const result = FileChangeSchema.safeParse(payload);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => ({ pointer: `/${path.join("/")}`, message }));
  throw new LogoMeshError("LM_INPUT_INVALID", "The payload is no file change.", { problems });
}

function requireSamePath(path: Parameters<AuthorizePath>[0], change: FileChangePayload): void {
  if (path === change.path) return;
  throw new LogoMeshError("LM_FILE_MOVED_ON", `“${change.path}” is called “${path}” by now; nothing was written.`);
}
