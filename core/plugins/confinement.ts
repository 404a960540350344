import { LogoMeshError, type Plugin, type PluginManifest } from "@logomesh/contracts";
import type { SandboxStatus } from "./sandbox/sandbox.ts";

/** Why a plugin does not run in the sandbox here, and why it cannot run without it either, where that is so. */
export type Outside = Omit<NonNullable<Plugin["outside"]>, "granted">;

export interface Surroundings {
  sandbox: SandboxStatus;
  /** Why nothing can be run outside of the sandbox. */
  obstacle: () => string | undefined;
  /** The workbench was started with `--dev`. */
  isDevelopment: boolean;
}

/** Undefined for what runs in the sandbox, whatever its grant says. */
export function outsideOf(
  { security_level: level }: Pick<PluginManifest, "security_level">,
  { sandbox, obstacle, isDevelopment }: Surroundings,
): Outside | undefined {
  if (level === "sandbox" && sandbox.available) return undefined;
  const reason = level === "sandbox" ? "no-sandbox" : level;
  const refusal =
    reason === "dev-only" && !isDevelopment
      ? "A “dev-only” plugin runs in a workbench that was started with --dev, and in no other."
      : obstacle();
  return { reason, ...(refusal === undefined ? {} : { refusal }) };
}

/** @throws LogoMeshError LM_PLUGIN_SECURITY_LEVEL, LM_PLUGIN_SANDBOX_UNAVAILABLE */
export function assertMayRunOutside(
  pluginId: string,
  { reason, refusal, isGranted, hint = "" }: Outside & { isGranted: boolean; hint?: string | undefined },
): void {
  if (isGranted && refusal === undefined) return;
  const way = refusal ?? `Only you can let it, by: logomesh plugin grant ${pluginId} --outside-sandbox`;
  if (reason === "no-sandbox")
    throw new LogoMeshError(
      "LM_PLUGIN_SANDBOX_UNAVAILABLE",
      `${pluginId} needs a sandbox, and there is none here. ${`${hint} ${isGranted ? way : `Without one it could do all that you can. ${way}`}`.trim()}`,
    );
  throw new LogoMeshError(
    "LM_PLUGIN_SECURITY_LEVEL",
    `${pluginId} asks to run as “${reason}”, outside of the sandbox, where it could read, change and send all that you can. ${way}`,
  );
}
