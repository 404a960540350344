export { hasAuditKeys } from "./auditKeys.ts";
export { createAuditWriterModule } from "./auditWriterModule.ts";
export { openAuditTrail, type AuditTrail } from "./auditTrail.ts";
export { verifyLog } from "./verify/index.ts";
