import { LogoMeshError } from "@logomesh/contracts/errors";
import type { WriteCommand, Writer } from "../ports/index.ts";
import type { UnitOutcome, WriteUnit, WriterCore } from "./writer.ts";

/** Called after a commit with what a module's write half has to tell. */
export type NoticeListener = (notice: unknown) => void;

/** A writer whose modules can speak back. */
export interface NoticingWriter extends Writer {
  /** The listener must not throw and must not block. */
  onDidCommit(moduleName: string, listener: NoticeListener): Disposable;
}

interface Pending {
  unit: WriteUnit;
  resolve(results: unknown[]): void;
  reject(error: unknown): void;
}

/** Runs the writer's logic on the calling thread: for tests and short-lived tools. Data is cloned as a thread boundary would. */
export function createInlineWriter(core: WriterCore): NoticingWriter {
  const listeners = new NoticeListeners();
  let pending: Pending[] = [];
  const commit = (): void => {
    const batch = pending;
    pending = [];
    const outcome = core.execute(batch.map(({ unit }) => unit));
    listeners.emit(outcome.notices);
    batch.forEach((entry, index) => settle(entry, outcome.units[index]));
  };
  const run = (commands: readonly WriteCommand[]): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      const unit = structuredClone(commands);
      if (pending.length === 0) queueMicrotask(commit);
      pending.push({ unit, resolve: (results) => resolve(structuredClone(results)), reject });
    });
  return {
    run,
    async flush() {
      await run([]);
    },
    onDidCommit: (moduleName, listener) => listeners.add(moduleName, listener),
  };
}

/** Answers one caller. */
export function settle(
  entry: { resolve(results: unknown[]): void; reject(error: unknown): void },
  outcome: UnitOutcome | undefined,
): void {
  if (outcome === undefined) entry.reject(new LogoMeshError("LM_INTERNAL", "The writer did not answer for a unit."));
  else if (outcome.ok) entry.resolve(outcome.results);
  else entry.reject(LogoMeshError.fromProblem(outcome.problem));
}

/** Who listens to which module's notices. */
export class NoticeListeners {
  readonly #byModule = new Map<string, Set<NoticeListener>>();

  add(moduleName: string, listener: NoticeListener): Disposable {
    const set = this.#byModule.get(moduleName) ?? new Set();
    this.#byModule.set(moduleName, set.add(listener));
    return { [Symbol.dispose]: () => void set.delete(listener) };
  }

  emit(notices: Readonly<Record<string, unknown>>): void {
    for (const [moduleName, notice] of Object.entries(notices)) {
      for (const listener of this.#byModule.get(moduleName) ?? []) listener(notice);
    }
  }
}
