import type { Clock } from "../ports/index.ts";
import { probeEra } from "./eraProbe.ts";
import type { KnownEras } from "./knownEras.ts";
import type { Introduction } from "./mcpConnection.ts";
import type { Era } from "./protocolRevisions.ts";
import type { SandboxProcess } from "./sandbox/sandbox.ts";

export interface LaunchInEraOptions {
  pluginId: string;
  bundleFolder: string;
  lineBytesMax: number;
  /** Starts a process of the plugin. */
  launch: () => Promise<SandboxProcess>;
  /** Two processes must not run at the same time: they would share what they write. */
  isAlone: boolean;
  eras: KnownEras;
  /** Of the program that speaks for the plugin, when that is ours. */
  knownEra: Era | undefined;
  introduction: Introduction;
  clock: Clock;
  onDidProbe: (era: Era) => void;
}

/**
 * Starts the process that serves, and says in which era to speak with it. The first start of a content asks a second process beside it,
 * which costs hardly any time, as both start at once.
 */
export async function launchInEra(options: LaunchInEraOptions): Promise<{ process: SandboxProcess; era: Era }> {
  const { launch, eras, bundleFolder, knownEra = eras.of(bundleFolder) } = options;
  if (knownEra !== undefined) return { process: await launch(), era: knownEra };
  if (options.isAlone) {
    const era = await learnEra(options);
    return { process: await launch(), era };
  }
  const [process, era] = await Promise.all([launch(), learnEra(options)]);
  return { process, era };
}

/** Never throws: what keeps the second process from starting is told by the first, or was for once. */
async function learnEra(options: LaunchInEraOptions): Promise<Era> {
  const { launch, eras, bundleFolder, onDidProbe } = options;
  let process: SandboxProcess;
  try {
    process = await launch();
  } catch {
    return "legacy";
  }
  const era = await probeEra({ ...options, process });
  try {
    eras.remember(bundleFolder, era);
  } catch {
    // Not remembered, it is asked again by the next start; this one knows.
  }
  onDidProbe(era);
  return era;
}
