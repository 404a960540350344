import { quickCheck, runReaderThread } from "../db/index.ts";

runReaderThread({ "db.quickCheck": quickCheck });
