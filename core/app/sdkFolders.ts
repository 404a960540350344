import { join } from "node:path";
import { REPOSITORY } from "./workspace.ts";

/** What the workbench provides to plugins of each runtime. */
export function sdkFolders(): { nodeSdkFolder: string; pythonSdkFolder: string; shellSdkFolder: string } {
  const folder = (name: string): string => join(REPOSITORY, "plugins", name);
  return {
    ...{ nodeSdkFolder: folder("sdk-node"), pythonSdkFolder: folder("sdk-python") },
    shellSdkFolder: folder("sdk-shell"),
  };
}
