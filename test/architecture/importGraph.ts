import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

export const ROOT = join(import.meta.dirname, "../..");

export interface ImportEdge {
  from: string;
  /** Repository path for relative imports, else the specifier. */
  to: string;
}

/** TypeScript sources that git tracks or would track, as repository paths. */
export function listSources(): string[] {
  return execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.ts", "*.tsx"], {
    cwd: ROOT,
    encoding: "utf8",
  })
    .split("\n")
    .filter((file) => file !== "" && !file.endsWith(".d.ts"))
    .filter((file) => ts.sys.fileExists(join(ROOT, file)));
}

/** Every import of a file: static, type-only, re-export and dynamic. */
export function importsOf(file: string): ImportEdge[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, file), "utf8"), true, true);
  return importedFiles.map(({ fileName }) => ({
    from: file,
    to: fileName.startsWith(".") ? normalize(join(dirname(file), fileName)) : fileName,
  }));
}
