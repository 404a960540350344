import type { ApprovalKind } from "@logomesh/contracts";

export const KIND_LABELS: Readonly<Record<ApprovalKind, string>> = {
  "file-change": "File change",
  model: "Model",
  task: "Task",
  "unknown-step": "Unknown step",
  workflow: "Workflow",
};
