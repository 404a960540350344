import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder } from "../../testing/index.ts";
import { WorkspaceFiles } from "../fileAccess.ts";

export interface TestFiles extends Disposable {
  files: WorkspaceFiles;
  /** Absolute path of the workspace, and of a folder beside it that nothing may reach. */
  root: string;
  outside: string;
  /** What `authorize` was asked. */
  asked: string[];
  allow: { authorize: (path: string) => void };
}

/** A workspace with empty shared folders `src` and `docs`. */
export function createTestFiles(): TestFiles {
  const folder = createTempFolder("logomesh-files-");
  const root = join(folder.path, "workspace");
  const outside = join(folder.path, "outside");
  for (const path of [join(root, "src"), join(root, "docs"), outside]) mkdirSync(path, { recursive: true });
  const files = new WorkspaceFiles({ root, shared: ["src", "docs"] });
  const asked: string[] = [];
  return {
    ...{ files, root, outside, asked },
    allow: { authorize: (path) => void asked.push(path) },
    [Symbol.dispose]() {
      files[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** The code and reason of a refusal, for comparing. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "passed";
  } catch (error) {
    const { code, data } = error as { code?: string; data?: { reason?: string } };
    return data?.reason === undefined ? String(code) : `${String(code)} ${data.reason}`;
  }
}
