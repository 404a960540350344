export { ApprovalInbox, type ApprovalListener } from "./approvalInbox.ts";
export { createApprovalsWriterModule } from "./approvalsWriterModule.ts";
