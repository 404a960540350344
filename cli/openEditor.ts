import { spawn } from "node:child_process";
import { LogoMeshError } from "@logomesh/contracts";

/** Opens what VISUAL or EDITOR say, options included, on the terminal of this process. @returns its exit code */
export function openEditor(file: string, env: NodeJS.ProcessEnv): Promise<number> {
  const editor = [env.VISUAL, env.EDITOR].find((value) => (value ?? "") !== "") ?? "vi";
  return new Promise((resolve, reject) => {
    // By the shell, as git does: EDITOR may be `code --wait`. The file is an argument, never part of the command.
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit", env });
    child.once("error", (error) => {
      reject(new LogoMeshError("LM_INPUT_INVALID", `${editor} could not be started: ${error.message}.`));
    });
    child.once("close", (code) => resolve(code ?? 1));
  });
}
