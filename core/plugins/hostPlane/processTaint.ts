/** The folder of its own that a process may write to, beside others of the same plugin. */
export interface OwnFolder {
  /** Some process with this folder had read private data. */
  isPrivate(): boolean;
  /** Says so for good. Resolves when that is on disk. @throws LogoMeshError LM_DB_*, LM_AUDIT_* */
  markPrivate(): Promise<void>;
}

/**
 * Whether one process has read private data. It has from the call of `add` on, for what it asks and answers; what it is given may reach it
 * only when `add` has resolved, because a folder keeps what it is told beyond the process.
 */
export class ProcessTaint {
  readonly #folder: OwnFolder | undefined;
  #isSet: boolean;

  constructor({ isSet = false, folder }: { isSet?: boolean; folder?: OwnFolder | undefined } = {}) {
    this.#isSet = isSet;
    this.#folder = folder;
  }

  get isSet(): boolean {
    return this.#isSet || this.#folder?.isPrivate() === true;
  }

  async add(): Promise<void> {
    this.#isSet = true;
    if (this.#folder?.isPrivate() === false) await this.#folder.markPrivate();
  }
}
