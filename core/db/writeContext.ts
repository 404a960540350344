import type { StatementSync } from "node:sqlite";
import type { Clock, Random } from "../ports/index.ts";

/** What a write command may use. Everything is synchronous: the transaction is open while it runs. */
export interface WriteContext {
  /** The prepared statement of a constant SQL text; kept for the life of the connection. */
  sql(text: string): StatementSync;
  readonly clock: Clock;
  readonly random: Random;
}

/** One named write. Throws a LogoMeshError to refuse; its unit is then rolled back, its neighbours are not. */
export type CommandHandler = (context: WriteContext, params: never) => unknown;

export type CommandTable = Readonly<Record<string, CommandHandler>>;

/**
 * State that a module keeps in memory beside its tables. The writer moves it back together with the transaction, so marks must stay
 * valid after later changes (use immutable values).
 */
export interface TransactionParticipant {
  mark(): unknown;
  restore(mark: unknown): void;
  /** Last chance to write inside the transaction. */
  beforeCommit?(context: WriteContext): void;
  /** What the main thread is told after the commit; undefined says nothing. Called once for each successful commit. */
  takeNotice?(): unknown;
}

/** The write half of one store adapter. */
export interface WriterModule {
  /** Prefix of its command names and key of its notices. */
  readonly name: string;
  /** Full names: `<module>.<verb>`. */
  readonly commands: CommandTable;
  readonly participant?: TransactionParticipant;
}

/** Builds a module over one connection; called once when the writer opens. */
export type CreateWriterModule = (context: WriteContext) => WriterModule;
