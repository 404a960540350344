export { createPolicy, type CedarPolicy } from "./createPolicy.ts";
export { createPolicyWriterModule } from "./policyWriterModule.ts";
export { SqliteGrants } from "./sqliteGrants.ts";
