export {
  AuthenticatedFetch,
  createHttpTaskExecutor,
  createLlmTaskExecutor,
  createOpenApiTaskExecutor,
  createPluginTaskExecutor,
  createTaskExecutorRegistry,
  createThoughtTaskExecutor,
} from "./executors/index.ts";
export type { RunMessage } from "./runMessage.ts";
export { SqliteWorkflowStore, createWorkflowWriterModule } from "./store/index.ts";
export { TaskEngine } from "./taskEngine.ts";
