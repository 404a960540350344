export { createAuditWriterModule } from "./auditWriterModule.ts";
export { openAuditTrail, type AuditTrail, type OpenAuditTrailOptions } from "./auditTrail.ts";
export { verifyLog, type VerifyLogParams } from "./verify/index.ts";
