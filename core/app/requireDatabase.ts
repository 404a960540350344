import { existsSync, statSync } from "node:fs";
import { LogoMeshError } from "@logomesh/contracts";
import { hasAuditKeys } from "../audit/index.ts";
import type { WorkspacePaths } from "./workspace.ts";

/**
 * A workspace gets its keys after its database. Keys without one mean that the database went away, and a new one in its place would look
 * as if there had never been any work.
 * @throws LogoMeshError LM_DB_CORRUPT
 */
export function requireDatabase({ keys, database }: WorkspacePaths): void {
  if (!hasAuditKeys(keys)) return;
  const what = existsSync(database) ? "empty" : "missing";
  if (what === "empty" && statSync(database).size > 0) return;
  throw new LogoMeshError(
    "LM_DB_CORRUPT",
    `The database ${database} is ${what}, but this workspace was in use before. Put the file back; to begin anew, make another ` +
      "workspace with `logomesh init`.",
  );
}
