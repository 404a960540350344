import { defineErrors } from "./defineErrors.ts";

export const FILE_ERRORS = defineErrors({
  LM_FILE_NOT_FOUND: {
    status: 404,
    title: "No such file",
    retryable: false,
    help: "List the folder to see what it holds. Paths are relative to the workspace and written with `/`.",
  },
  LM_FILE_REFUSED: {
    status: 403,
    title: "The file is not shared",
    retryable: false,
    help: "Only regular files with one name, below the folders that `devShellSandboxPaths` in logomesh.yaml lists, are read and changed; the detail says what this one is.",
  },
  LM_FILE_MOVED_ON: {
    status: 409,
    title: "The file changed meanwhile",
    retryable: false,
    help: "Nothing was written. Read the file as it is now and propose the change again.",
  },
});
