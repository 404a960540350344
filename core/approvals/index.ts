export { ApprovalInbox } from "./approvalInbox.ts";
