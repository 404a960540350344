export { createPolicy, type CedarPolicy, type CreatePolicyOptions } from "./createPolicy.ts";
export { createPolicyWriterModule } from "./policyWriterModule.ts";
export { SqliteGrants, type SqliteGrantsOptions } from "./sqliteGrants.ts";
