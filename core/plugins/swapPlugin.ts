import type { JsonObject } from "@logomesh/contracts";
import { canonicalJson, toLogoMeshError } from "../base/index.ts";
import type { PluginGrant } from "../ports/index.ts";
import type { InstalledPlugin } from "./installedPlugin.ts";
import type { PluginGrants } from "./pluginGrants.ts";

export interface SwapOptions {
  old: InstalledPlugin;
  /** Made of what the folder holds now; not started. */
  next: InstalledPlugin;
  grants: PluginGrants;
  /** Grants `next`, when a person decided so. */
  approve?: () => Promise<void>;
  /** `person:ada`: who has the folder served while it is being written; undefined when nobody does, and each content needs its own grant. */
  developer: string | undefined;
  /** From here on new calls go to `next`. */
  place: (next: InstalledPlugin) => void;
}

/**
 * Hot swap: the new process starts beside the old one, takes the calls when it is ready, and the old one ends with its last call. What
 * cannot start leaves the old one serving, with the grant that it had. In development a content that has to be granted first takes the
 * place all the same, and is blocked.
 *
 * @throws LogoMeshError why the new one does not serve
 */
export async function swapPlugin(options: SwapOptions): Promise<void> {
  const { old, next, grants, place, approve } = options;
  const grantBefore = grants.of(old.manifest.id);
  const carried = carriedGrant(options, grantBefore);
  if (approve !== undefined) await approve();
  else if (carried !== undefined) await grants.put(carried);
  try {
    if (old.isRunning) await next.load();
  } catch (error) {
    const problem = toLogoMeshError(error);
    const isChanged = grantBefore?.sha256 !== next.sha256 && grants.of(old.manifest.id)?.sha256 === next.sha256;
    if (approve !== undefined || problem.code !== "LM_PLUGIN_NOT_GRANTED") {
      // Unless somebody else changed it meanwhile.
      if (isChanged && grantBefore !== undefined) await grants.put(grantBefore);
      old.problem = problem;
      await next.stop("it did not take the place of the version that serves");
      throw error;
    }
  }
  place(next);
  await old.handOver(next);
}

/** The grant for the next content, while it asks for the same; its tools must describe themselves as before. */
function carriedGrant({ old, next, developer }: SwapOptions, grant: PluginGrant | undefined): PluginGrant | undefined {
  if (developer === undefined || grant?.sha256 !== old.sha256 || next.sha256 === old.sha256) return undefined;
  const [before, after] = [old.manifest.permissions as JsonObject, next.manifest.permissions as JsonObject];
  const isSameLevel = old.manifest.security_level === next.manifest.security_level;
  return isSameLevel && canonicalJson(before) === canonicalJson(after)
    ? { ...grant, sha256: next.sha256, grantedBy: developer }
    : undefined;
}
