export { createHttpTaskExecutor } from "./httpTaskExecutor.ts";
export { createLlmTaskExecutor } from "./llmTaskExecutor.ts";
export { createPluginTaskExecutor } from "./pluginTaskExecutor.ts";
export {
  createTaskExecutorRegistry,
  type TaskExecutor,
  type TaskExecutorRegistry,
  type TaskRequest,
  type TaskResult,
} from "./taskExecutor.ts";
export { createThoughtTaskExecutor } from "./thoughtTaskExecutor.ts";
