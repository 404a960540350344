import { LogoMeshError, type Actor, type GrantPluginParams, type JsonObject } from "@logomesh/contracts";
import type { Grants, PluginGrant, Principal } from "../ports/index.ts";
import { assertSubset } from "./grantSubset.ts";
import { assertMayRunOutside, type Outside } from "./confinement.ts";
import type { InstalledPlugin } from "./installedPlugin.ts";

/** Who asks something of the plugin host. */
export interface HostCaller {
  actor: Actor;
  principal: Principal;
}

/** `person:ada`, as grants name who gave them. */
export function nameOf({ actor }: HostCaller): string {
  return `${actor.type}:${actor.id}`;
}

/** What plugins were granted. Grants change one after the other: what a start pins must not undo what a person takes back. */
export class PluginGrants {
  readonly #grants: Grants;
  readonly #onDidChange: () => void;
  #changes: Promise<void> = Promise.resolve();

  constructor(grants: Grants, onDidChange: () => void) {
    this.#grants = grants;
    this.#onDidChange = onDidChange;
  }

  /** The grant of a plugin, whichever version it names. */
  of(pluginId: string): PluginGrant | undefined {
    return this.#grants.pluginGrant(pluginId);
  }

  /** Grants what the manifest of exactly this content asks for, or a part of it. @throws LogoMeshError LM_CONFLICT when the content is another one */
  async grant(
    { manifest, sha256: current, outside }: Pick<InstalledPlugin, "manifest" | "sha256" | "outside">,
    { sha256, permissions, outsideSandbox, caller }: GrantPluginParams & { caller: HostCaller },
  ): Promise<void> {
    const { id: pluginId } = manifest;
    if (current !== sha256)
      throw new LogoMeshError(
        "LM_CONFLICT",
        `${pluginId} has the content ${current}, not ${sha256}. Look at it again before you grant it.`,
      );
    const asked = manifest.permissions as JsonObject;
    const wanted = (permissions ?? asked) as JsonObject;
    assertSubset(wanted, { asked, pluginId });
    assertOutsideGrant(pluginId, { outside, isWanted: outsideSandbox === true });
    await this.put({
      ...{ pluginId, sha256, group: "user", grantedBy: nameOf(caller), permissions: wanted },
      ...(outsideSandbox === undefined ? {} : { outsideSandbox }),
    });
  }

  put(grant: PluginGrant): Promise<void> {
    return this.#change(() => this.#grants.grantPlugin(grant));
  }

  revoke(pluginId: string, caller: HostCaller): Promise<void> {
    return this.#change(() => this.#grants.revokePlugin({ pluginId, revokedBy: nameOf(caller) }));
  }

  /** Writes what the tools say they do into the grant of exactly this content. @throws LogoMeshError LM_PLUGIN_NOT_GRANTED */
  pinTools({ id, sha256, toolsHash }: { id: string; sha256: string; toolsHash: string }): Promise<void> {
    return this.#change(async () => {
      const grant = this.of(id);
      if (grant?.sha256 !== sha256)
        throw new LogoMeshError("LM_PLUGIN_NOT_GRANTED", `The grant of ${id} was taken back while it started.`);
      await this.#grants.grantPlugin({ ...grant, toolsHash });
    });
  }

  async #change(change: () => Promise<void>): Promise<void> {
    const done = this.#changes.then(change);
    this.#changes = done.catch(() => undefined);
    await done;
    this.#onDidChange();
  }
}

/** A plugin that only waits for a sandbox to be installed may be granted without one; else the grant says what will be. */
function assertOutsideGrant(
  pluginId: string,
  { outside, isWanted }: { outside: Outside | undefined; isWanted: boolean },
): void {
  if (outside === undefined) {
    if (!isWanted) return;
    const detail = `${pluginId} runs in the sandbox here. Grant it without outsideSandbox.`;
    throw new LogoMeshError("LM_INPUT_INVALID", detail);
  }
  if (isWanted || outside.reason !== "no-sandbox") assertMayRunOutside(pluginId, { ...outside, isGranted: isWanted });
}
