export { PrivateFolders } from "./privateFolders.ts";
export { PluginPins, type PluginPin } from "./pluginPins.ts";
export { PluginSettings } from "./pluginSettings.ts";
export { createPluginWriterModule } from "./pluginWriterModule.ts";
export { TokenLedger } from "./tokenLedger.ts";
