export { IdeaManager, type IdeaManagerOptions } from "./ideaManager.ts";
export { createThoughtWriterModule } from "./thoughtWriterModule.ts";
