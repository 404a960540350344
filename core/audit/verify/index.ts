// What reads a whole log in a process of its own: nothing here may load a schema, which would double the time and the memory of a start.
export { listUnended } from "../unended.ts";
export { verifyLog, type VerifyLogParams } from "./verifyLog.ts";
