import {
  ModelChoiceSchema,
  type Actor,
  type JsonObject,
  type LogoMeshError,
  type ModelChoice,
} from "@logomesh/contracts";
import type { AuditEntryDraft, AuditLog, Clock, Reader, Writer } from "../ports/index.ts";
import type { SetAliasParams } from "./llmWriterModule.ts";

/** A choice, and who made it. */
export interface ChosenModel extends ModelChoice {
  setBy: string;
  setAtMs: number;
}

export interface ModelAliasesOptions {
  writer: Writer;
  reader: Reader;
  audit: AuditLog;
  clock: Clock;
  /** Why nothing may be chosen now: a lockdown. */
  stopped: () => LogoMeshError | undefined;
}

/** What persons chose, by alias; kept in memory because every prompt asks. Each change commits together with its entry. */
export class ModelAliases {
  readonly #options: ModelAliasesOptions;
  readonly #chosen = new Map<string, ChosenModel>();

  constructor(options: ModelAliasesOptions) {
    this.#options = options;
    for (const row of options.reader.all("SELECT alias, provider, model, options, set_by, set_at FROM llm_alias")) {
      const choice = { provider: String(row.provider), model: String(row.model), options: parseOptions(row.options) };
      const who = { setBy: String(row.set_by), setAtMs: Number(row.set_at) };
      this.#chosen.set(String(row.alias), { ...ModelChoiceSchema.parse(choice), ...who });
    }
  }

  get(alias: string): ChosenModel | undefined {
    return this.#chosen.get(alias);
  }

  /** @throws LogoMeshError LM_AUDIT_*, LM_DB_*, and what stops everything: then it stays as it was */
  async set(alias: string, choice: ModelChoice | undefined, { type, id }: Actor): Promise<void> {
    const { writer, audit, clock, stopped } = this.#options;
    const stop = stopped();
    if (stop !== undefined) throw stop;
    const setBy = `${type}:${id}`;
    const entry = audit.command(this.#entry(alias, choice, { type, id }));
    if (choice === undefined) {
      await writer.run([{ name: "llm.clearAlias", params: { alias } }, entry]);
      this.#chosen.delete(alias);
      return;
    }
    const { provider, model, options = {} } = choice;
    const params: SetAliasParams = { alias, provider, model, options: JSON.stringify(options), setBy };
    await writer.run([{ name: "llm.setAlias", params }, entry]);
    this.#chosen.set(alias, { provider, model, options, setBy, setAtMs: clock.nowMs() });
  }

  #entry(alias: string, choice: ModelChoice | undefined, actor: Actor): AuditEntryDraft {
    const before = this.#chosen.get(alias);
    const was = before === undefined ? {} : { previousProvider: before.provider, previousModel: before.model };
    if (choice === undefined) return { kind: "model.unchosen", actor, data: { alias, ...was } };
    const { provider, model, options = {} } = choice;
    return {
      kind: "model.chosen",
      actor,
      trace: { model },
      data: { alias, provider, model, ...was },
      payload: { options: { bytes: JSON.stringify(options), media: "application/json" } },
    };
  }
}

function parseOptions(text: unknown): JsonObject {
  return JSON.parse(String(text)) as JsonObject;
}
