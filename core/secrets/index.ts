export { createRedactingLogger } from "./redactingLogger.ts";
export { SecretAdmin } from "./secretAdmin.ts";
export { SecretVault } from "./secretVault.ts";
