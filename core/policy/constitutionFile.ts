import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CONSTITUTION_BYTES_MAX, LogoMeshError } from "@logomesh/contracts";
import { assert, messageOf, sha256Hex } from "../base/index.ts";
import { parseConstitution, type Constitution } from "./constitution.ts";

// The file `constitution.cedar` and the last good version of it. Looks at the file's stamp whenever it is asked, so that an edit by any
// program holds from the next decision on. States: nothing in force yet · in force · in force, but the file holds something invalid.

/** A version that was good. */
export interface ConstitutionVersion {
  text: string;
  sha256: string;
  rules: Constitution;
}

export class ConstitutionFile {
  readonly path: string;
  #stamp: string | undefined;
  #inForce: ConstitutionVersion | undefined;
  #problem: LogoMeshError | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** The last good version. */
  get inForce(): ConstitutionVersion | undefined {
    return this.#inForce;
  }

  /** Why what the file holds now is not in force. */
  get problem(): LogoMeshError | undefined {
    return this.#problem;
  }

  /** Whether the file is another one than when it was last read. Costs one stat. */
  hasChanged(): boolean {
    return this.#stamp !== stampOf(this.path);
  }

  /** Takes what the file holds now into force, if it is good. */
  read(): void {
    // Before the text: what is written in between is seen as a change the next time.
    this.#stamp = stampOf(this.path);
    try {
      const text = this.readText();
      this.#inForce = { text, sha256: sha256Hex(text), rules: parseConstitution(text, this.path) };
      this.#problem = undefined;
    } catch (error) {
      assert(error instanceof LogoMeshError, `what is wrong with a constitution is known: ${messageOf(error)}`);
      this.#problem = error;
    }
  }

  /** @throws LogoMeshError LM_POLICY_CONSTITUTION_INVALID when there is no file that can be read */
  readText(): string {
    try {
      const stat = statSync(this.path);
      if (!stat.isFile()) throw new Error(`${this.path} is not a file`);
      if (stat.size > CONSTITUTION_BYTES_MAX)
        throw new Error(`it has ${stat.size} bytes; at most ${CONSTITUTION_BYTES_MAX} are read`);
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(this.path));
    } catch (error) {
      throw new LogoMeshError(
        "LM_POLICY_CONSTITUTION_INVALID",
        `The constitution cannot be read: ${messageOf(error)}. Restore the file; one without rules is valid too.`,
        { cause: error, data: { file: this.path } },
      );
    }
  }

  /** Writes beside the file and flushes; `rename` then puts it in place, whole or not at all, and `discard` takes it away. */
  prepare(text: string): { rename: () => void; discard: () => void } {
    const temporary = `${this.path}.new`;
    const mode = statSync(this.path, { throwIfNoEntry: false })?.mode ?? 0o644;
    // What an earlier attempt left may be a link to somewhere else.
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, "wx", mode & 0o777);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return {
      rename: () => {
        renameSync(temporary, this.path);
        flushFolder(dirname(this.path));
      },
      discard: () => rmSync(temporary, { force: true }),
    };
  }
}

function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    // The reason is said when the file is read.
    return `none: ${messageOf(error)}`;
  }
}

/** The new name must survive a power cut, too. */
function flushFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
