import type { DatabaseSync } from "node:sqlite";
import type { Problem } from "@logomesh/contracts/errors";
import { assert, toProblem } from "../base/index.ts";
import type { Clock, Random, WriteCommand } from "../ports/index.ts";
import { mapSqliteError } from "./sqliteErrors.ts";
import { createStatementCache } from "./statementCache.ts";
import type { CommandHandler, CreateWriterModule, TransactionParticipant, WriteContext } from "./writeContext.ts";

// The logic of the one writing connection. A batch of units is one transaction. It is tried first without savepoints, which cost a copy
// of every page that a unit touches; when a unit refuses, everything is rolled back and the batch runs again, now each unit in its own
// savepoint, so that the refusal stays with its unit. States of a unit: applied or refused. Only a successful COMMIT makes applied units
// acknowledged; when BEGIN or COMMIT fails, or SQLite ends the transaction on its own, every unit of the batch is refused. The in-memory
// state of the participants always moves back with the transaction. It must not know threads or queues.

/** What one caller wants done together. */
export type WriteUnit = readonly WriteCommand[];

export type UnitOutcome = { ok: true; results: unknown[] } | { ok: false; problem: Problem };

export interface BatchOutcome {
  /** One for each unit, in order. */
  units: UnitOutcome[];
  /** What participants tell the main thread, by module name; only after a successful commit. */
  notices: Record<string, unknown>;
}

/** Applies batches of units, synchronously. */
export interface WriterCore {
  execute(units: readonly WriteUnit[]): BatchOutcome;
}

export interface WriterCoreOptions {
  db: DatabaseSync;
  modules: readonly CreateWriterModule[];
  clock: Clock;
  random: Random;
}

export function createWriterCore(options: WriterCoreOptions): WriterCore {
  const { db } = options;
  const context: WriteContext = { sql: createStatementCache(db), clock: options.clock, random: options.random };
  const modules = options.modules.map((create) => create(context));
  const commands = new Map<string, CommandHandler>();
  for (const { name, commands: table } of modules) {
    for (const [command, handler] of Object.entries(table)) {
      assert(command.startsWith(`${name}.`), `Command ${command} of module ${name} must begin with ${name}.`);
      assert(!commands.has(command), `Two write commands are called ${command}`);
      commands.set(command, handler);
    }
  }
  const participants = new Map<string, TransactionParticipant>();
  for (const { name, participant } of modules) if (participant !== undefined) participants.set(name, participant);
  const executor = new BatchExecutor({ db, context, commands, participants });
  return { execute: (units) => executor.execute(units) };
}

interface BatchExecutorOptions {
  db: DatabaseSync;
  context: WriteContext;
  commands: ReadonlyMap<string, CommandHandler>;
  participants: ReadonlyMap<string, TransactionParticipant>;
}

class BatchExecutor {
  readonly #db: DatabaseSync;
  readonly #context: WriteContext;
  readonly #commands: ReadonlyMap<string, CommandHandler>;
  readonly #participants: ReadonlyMap<string, TransactionParticipant>;

  constructor(options: BatchExecutorOptions) {
    this.#db = options.db;
    this.#context = options.context;
    this.#commands = options.commands;
    this.#participants = options.participants;
  }

  execute(units: readonly WriteUnit[]): BatchOutcome {
    const marks = this.#mark();
    try {
      return this.#transact(() => units.map((unit) => ({ ok: true, results: this.#applyCommands(unit) })));
    } catch (error) {
      this.#undo(marks);
      if (units.length <= 1) return this.#refuseAll(units, error);
    }
    try {
      return this.#transact(() => units.map((unit) => this.#applyInSavepoint(unit)));
    } catch (error) {
      this.#undo(marks);
      return this.#refuseAll(units, error);
    }
  }

  #transact(apply: () => UnitOutcome[]): BatchOutcome {
    this.#exec("BEGIN IMMEDIATE");
    const units = apply();
    for (const participant of this.#participants.values()) participant.beforeCommit?.(this.#context);
    this.#exec("COMMIT");
    return { units, notices: this.#takeNotices() };
  }

  #undo(marks: ReadonlyMap<TransactionParticipant, unknown>): void {
    this.#restore(marks);
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  #refuseAll(units: readonly WriteUnit[], error: unknown): BatchOutcome {
    const problem = toProblem(mapSqliteError(error, "Nothing was written"));
    return { units: units.map(() => ({ ok: false, problem })), notices: {} };
  }

  #applyCommands(unit: WriteUnit): unknown[] {
    return unit.map(({ name, params }) => {
      const handler = this.#commands.get(name);
      assert(handler !== undefined, `No write command is called ${name}`);
      return handler(this.#context, params as never);
    });
  }

  /** Throws only when the whole transaction is gone. */
  #applyInSavepoint(unit: WriteUnit): UnitOutcome {
    const marks = this.#mark();
    this.#exec("SAVEPOINT unit");
    try {
      const results = this.#applyCommands(unit);
      this.#exec("RELEASE unit");
      return { ok: true, results };
    } catch (error) {
      this.#restore(marks);
      // Some errors (full disk, I/O) make SQLite roll the whole transaction back: the units before this one are gone too.
      if (!this.#db.isTransaction) throw error;
      this.#exec("ROLLBACK TO unit");
      this.#exec("RELEASE unit");
      return { ok: false, problem: toProblem(mapSqliteError(error, "The write was not made")) };
    }
  }

  #exec(sql: string): void {
    this.#context.sql(sql).run();
  }

  #mark(): Map<TransactionParticipant, unknown> {
    const marks = new Map<TransactionParticipant, unknown>();
    for (const participant of this.#participants.values()) marks.set(participant, participant.mark());
    return marks;
  }

  #restore(marks: ReadonlyMap<TransactionParticipant, unknown>): void {
    for (const [participant, mark] of marks) participant.restore(mark);
  }

  #takeNotices(): Record<string, unknown> {
    const notices: Record<string, unknown> = {};
    for (const [name, participant] of this.#participants) {
      const notice = participant.takeNotice?.();
      if (notice !== undefined) notices[name] = notice;
    }
    return notices;
  }
}
