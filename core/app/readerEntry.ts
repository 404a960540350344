import { runReaderThread } from "../db/index.ts";

runReaderThread();
