import { createAuditWriterModule } from "../audit/index.ts";
import { systemClock, systemRandom } from "../base/index.ts";
import { runWriterThread } from "../db/index.ts";
import { createPolicyWriterModule } from "../policy/index.ts";
import { createThoughtWriterModule } from "../thoughts/index.ts";

runWriterThread({
  clock: systemClock,
  random: systemRandom,
  modules: [createAuditWriterModule, createThoughtWriterModule, createPolicyWriterModule],
});
