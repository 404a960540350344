export { AuthenticatedFetch } from "./authenticatedFetch.ts";
export { createHttpTaskExecutor } from "./httpTaskExecutor.ts";
export { createLlmTaskExecutor } from "./llmTaskExecutor.ts";
export { createOpenApiTaskExecutor } from "./openApiTaskExecutor.ts";
export { createPluginTaskExecutor } from "./pluginTaskExecutor.ts";
export {
  createTaskExecutorRegistry,
  type SharedPlaces,
  type TaskExecutor,
  type TaskExecutorRegistry,
  type TaskResult,
} from "./taskExecutor.ts";
export { createThoughtTaskExecutor } from "./thoughtTaskExecutor.ts";
