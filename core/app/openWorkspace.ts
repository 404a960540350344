import { lockWorkspace, openDatabase, type Database } from "../db/index.ts";
import type { OpenPartsOptions } from "./openParts.ts";
import { requireDatabase } from "./requireDatabase.ts";
import { requireWorkspace, type WorkspacePaths } from "./workspace.ts";

/** A workspace that this process holds, with its database. */
export interface OpenedWorkspace extends AsyncDisposable {
  readonly paths: WorkspacePaths;
  readonly database: Database;
}

/**
 * Takes the lock before anything else is read, then opens the database.
 * @throws LogoMeshError LM_WORKSPACE_INVALID, LM_WORKSPACE_LOCKED, LM_DB_*
 */
export async function openWorkspace({ root, logger, onDidFail }: OpenPartsOptions): Promise<OpenedWorkspace> {
  const paths = requireWorkspace(root);
  await using stack = new AsyncDisposableStack();
  stack.use(lockWorkspace({ folder: paths.state, pid: process.pid }));
  requireDatabase(paths);
  const database = stack.use(
    await openDatabase({
      path: paths.database,
      synchronous: "FULL",
      writerEntry: new URL("./writerEntry.ts", import.meta.url),
      readerEntry: new URL("./readerEntry.ts", import.meta.url),
      jobEntry: new URL("./jobEntry.ts", import.meta.url),
      logger,
      ...(onDidFail === undefined ? {} : { onDidFail }),
    }),
  );
  const owned = stack.move();
  return { paths, database, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
