/**
 * A named write of a store adapter. The adapter's write half runs in the writer thread; `params` cross a thread boundary, so they
 * are structured-cloneable data (JSON values and Uint8Array).
 */
export interface WriteCommand {
  readonly name: string;
  readonly params: unknown;
}

/** The way to the single writing connection. */
export interface Writer {
  /**
   * Runs the commands in order inside one savepoint: all of them or none. Resolves after the commit is on disk, with one result
   * for each command. Units of different callers share commits (group commit) but never each other's failures.
   *
   * @throws LogoMeshError the typed error of the command that failed, or LM_DB_*
   */
  run(commands: readonly WriteCommand[]): Promise<unknown[]>;
  /** Resolves when everything queued so far is on disk. */
  flush(): Promise<void>;
}
