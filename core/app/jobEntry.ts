import { listUnended, verifyLog, type VerifyLogParams } from "../audit/verify/index.ts";
import { systemClock } from "../base/index.ts";
import { quickCheck, serveJob } from "../db/index.ts";

serveJob(
  {
    "db.quickCheck": quickCheck,
    "audit.verify": (params: VerifyLogParams) => verifyLog(params, systemClock),
    "audit.listUnended": listUnended,
  },
  process,
);
