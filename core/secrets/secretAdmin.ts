import { LogoMeshError, type Actor, type Secret } from "@logomesh/contracts";
import type { AuditLog } from "../ports/index.ts";
import type { SecretVault } from "./secretVault.ts";

/** What a person does with secrets. The entry comes first: a change that nobody can see later is not made. */
export class SecretAdmin {
  readonly #vault: SecretVault;
  readonly #audit: AuditLog;

  constructor({ vault, audit }: { vault: SecretVault; audit: AuditLog }) {
    this.#vault = vault;
    this.#audit = audit;
  }

  list(): Secret[] {
    return this.#vault.list();
  }

  /** @throws LogoMeshError LM_NOT_FOUND */
  get(name: string): Secret {
    const secret = this.#vault.describe(name);
    if (secret !== undefined) return secret;
    throw new LogoMeshError("LM_NOT_FOUND", `There is no secret ${name}. Set it with: logomesh secret set ${name}`);
  }

  /** @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE, LM_AUDIT_UNWRITABLE */
  async set(name: string, value: string, caller: { actor: Actor }): Promise<Secret> {
    this.#vault.assertCanSet(name, value);
    await this.#audit.append({ kind: "secret.set", actor: caller.actor, data: { secret: name } });
    return this.#vault.set(name, value);
  }

  /** @throws LogoMeshError LM_NOT_FOUND, LM_AUDIT_UNWRITABLE */
  async remove(name: string, caller: { actor: Actor }): Promise<void> {
    this.get(name);
    await this.#audit.append({ kind: "secret.removed", actor: caller.actor, data: { secret: name } });
    this.#vault.remove(name);
  }
}
