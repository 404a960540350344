export { verifyLog, type VerifyLogParams } from "./verifyLog.ts";
