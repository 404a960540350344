export {
  createHttpTaskExecutor,
  createLlmTaskExecutor,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
  createThoughtTaskExecutor,
} from "./executors/index.ts";
export type { RunMessage } from "./runMessage.ts";
export { SqliteWorkflowStore } from "./store/sqliteWorkflowStore.ts";
export { createWorkflowWriterModule } from "./store/workflowWriterModule.ts";
export { TaskEngine } from "./taskEngine.ts";
