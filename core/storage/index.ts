export { pluginOwner } from "./limits.ts";
export { SqliteBlobStore } from "./sqliteBlobStore.ts";
export { SqlitePluginStore } from "./sqlitePluginStore.ts";
export { createStorageWriterModule } from "./storageWriterModule.ts";
