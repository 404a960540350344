import { verifyLog, type VerifyLogParams } from "../audit/verify/index.ts";
import { systemClock } from "../base/index.ts";
import { quickCheck, runReaderThread } from "../db/index.ts";

runReaderThread({
  "db.quickCheck": quickCheck,
  "audit.verify": (params: VerifyLogParams) => verifyLog(params, systemClock),
});
