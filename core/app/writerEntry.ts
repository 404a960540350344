import { createAccessWriterModule } from "../access/accessWriterModule.ts";
import { createApprovalsWriterModule } from "../approvals/approvalsWriterModule.ts";
import { createAuditWriterModule } from "../audit/auditWriterModule.ts";
import { systemClock, systemRandom } from "../base/index.ts";
import { runWriterThread } from "../db/index.ts";
import { createEventWriterModule } from "../events/eventWriterModule.ts";
import { createLlmWriterModule } from "../llm/llmWriterModule.ts";
import { createPluginWriterModule } from "../plugins/store/pluginWriterModule.ts";
import { createPolicyWriterModule } from "../policy/policyWriterModule.ts";
import { createStorageWriterModule } from "../storage/storageWriterModule.ts";
import { createThoughtWriterModule } from "../thoughts/thoughtWriterModule.ts";
import { createWorkflowWriterModule } from "../workflows/store/workflowWriterModule.ts";

runWriterThread({
  clock: systemClock,
  random: systemRandom,
  modules: [
    createAuditWriterModule,
    createAccessWriterModule,
    createApprovalsWriterModule,
    createEventWriterModule,
    createLlmWriterModule,
    createPluginWriterModule,
    createPolicyWriterModule,
    createStorageWriterModule,
    createThoughtWriterModule,
    createWorkflowWriterModule,
  ],
});
