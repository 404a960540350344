export { parseConstitution } from "./constitution.ts";
export { createPolicy, type CedarPolicy } from "./createPolicy.ts";
export { LockdownSwitch } from "./lockdown.ts";
export { PolicyAdmin } from "./policyAdmin.ts";
export { createPolicyWriterModule } from "./policyWriterModule.ts";
export { SqliteGrants } from "./sqliteGrants.ts";
