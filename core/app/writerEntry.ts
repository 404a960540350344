import { createAccessWriterModule } from "../access/index.ts";
import { createAuditWriterModule } from "../audit/index.ts";
import { systemClock, systemRandom } from "../base/index.ts";
import { runWriterThread } from "../db/index.ts";
import { createPluginWriterModule } from "../plugins/store/index.ts";
import { createPolicyWriterModule } from "../policy/index.ts";
import { createStorageWriterModule } from "../storage/index.ts";
import { createThoughtWriterModule } from "../thoughts/index.ts";
import { createWorkflowWriterModule } from "../workflows/store/index.ts";

runWriterThread({
  clock: systemClock,
  random: systemRandom,
  modules: [
    createAuditWriterModule,
    createAccessWriterModule,
    createPluginWriterModule,
    createPolicyWriterModule,
    createStorageWriterModule,
    createThoughtWriterModule,
    createWorkflowWriterModule,
  ],
});
