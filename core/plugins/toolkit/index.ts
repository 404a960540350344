export { readMcpServers } from "../imports/mcpServersImport.ts";
export { importNpm } from "../imports/npmImport.ts";
export { checkBundle, type BundleReport } from "./checkBundle.ts";
export { createPlugin } from "./createPlugin.ts";
export { packBundle, type PackedBundle } from "./packBundle.ts";
export { testBundle, type TestBundleResult } from "./testBundle.ts";
export { searchRegistry } from "./searchRegistry.ts";
