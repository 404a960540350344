// A door of its own, because the writer thread needs this half only: by the other one it would load parsers, jq and an HTTP client.
export { SqliteWorkflowStore } from "./sqliteWorkflowStore.ts";
export { createWorkflowWriterModule } from "./workflowWriterModule.ts";
