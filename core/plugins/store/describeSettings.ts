import { LogoMeshError, type JsonObject, type PluginManifest, type PluginSettings } from "@logomesh/contracts";
import { defaultsOf, settingsProblems } from "../manifestProblems.ts";

/** What was set, over the defaults of the manifest's schema. */
export function describeSettings({ config }: PluginManifest, set: JsonObject): PluginSettings {
  const schema = config === undefined ? null : (config as JsonObject);
  return { schema, settings: schema === null ? {} : { ...defaultsOf(schema), ...set } };
}

/** @throws LogoMeshError LM_INPUT_INVALID, naming each setting that does not fit */
export function assertSettings(manifest: PluginManifest, set: JsonObject): void {
  const { schema, settings } = describeSettings(manifest, set);
  if (schema === null)
    throw new LogoMeshError("LM_INPUT_INVALID", `${manifest.id} has no settings: its manifest has no \`config\`.`);
  const problems = settingsProblems(schema, settings);
  const [first] = problems;
  if (first === undefined) return;
  const where = first.pointer === "" ? "the settings" : first.pointer;
  throw new LogoMeshError("LM_INPUT_INVALID", `${manifest.id}: ${where} ${first.message}.`, { problems });
}
