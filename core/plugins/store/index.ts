export { PrivateFolders } from "./privateFolders.ts";
export { PluginSettings } from "./pluginSettings.ts";
export { createPluginWriterModule } from "./pluginWriterModule.ts";
export { TokenLedger } from "./tokenLedger.ts";
