export { openAccessControl, type AccessControl } from "./accessControl.ts";
export { createAccessWriterModule } from "./accessWriterModule.ts";
