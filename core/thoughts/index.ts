export { IdeaManager } from "./ideaManager.ts";
export { createThoughtWriterModule } from "./thoughtWriterModule.ts";
