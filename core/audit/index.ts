export { hasAuditKeys } from "./auditKeys.ts";
export { createAuditWriterModule } from "./auditWriterModule.ts";
export { openAuditTrail, type AuditJobs, type AuditTrail } from "./auditTrail.ts";
export { verifyLog } from "./verify/index.ts";
