import { existsSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/index.ts";
import { defineWorkflowFile, isWorkflowFile, type DefineWorkflowFilesOptions } from "./workflowFiles.ts";

/** Editors write a file in several steps: it is read when nothing has changed for so long. */
const SETTLE_MS = 200;

/**
 * Takes up what is dropped into `workflows/` or edited there while the workbench runs; nothing is granted with it. A definition whose file
 * was removed stays. Where the folder cannot be watched, files are read at the next start, as ever.
 */
export function watchWorkflowFiles(options: DefineWorkflowFilesOptions): AsyncDisposable {
  const { folder, logger } = options;
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let work = Promise.resolve();
  const takeUp = async (): Promise<void> => {
    const files = [...changed].sort().map((name) => join(folder, name));
    changed.clear();
    for (const file of files) if (existsSync(file)) await defineWorkflowFile(file, options);
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (name === null || !isWorkflowFile(name)) return;
      changed.add(name);
      clearTimeout(timer);
      timer = setTimeout(() => {
        work = work.then(takeUp);
      }, SETTLE_MS);
    });
    watcher.on("error", (error) => logger.warn({ folder, error: messageOf(error) }, "workflow files are not watched"));
  } catch (error) {
    logger.warn({ folder, error: messageOf(error) }, "workflow files are not watched");
  }
  return {
    async [Symbol.asyncDispose]() {
      watcher?.close();
      clearTimeout(timer);
      await work;
    },
  };
}
