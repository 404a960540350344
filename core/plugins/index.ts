export { createBubblewrapSandbox } from "./sandbox/bubblewrapSandbox.ts";
export { PluginHost } from "./pluginHost.ts";
export { createOutsideRunner } from "./sandbox/outsideRunner.ts";
export { describeBounds } from "./sandbox/sandboxStatus.ts";
export { askPythons, describeRefused, pythonCandidates } from "./sandbox/runtimes.ts";
export type { Sandbox } from "./sandbox/sandbox.ts";
export { TokenLedger } from "./store/index.ts";
