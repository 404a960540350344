import type { AuditQuery } from "@logomesh/contracts";

type FilterKey = Exclude<keyof AuditQuery, "q" | "from" | "to">;

/** What entries can be narrowed by, besides the text of their payloads. */
export const FILTERS: readonly { key: FilterKey; label: string; example: string }[] = [
  { key: "kind", label: "Kind", example: "llm.response" },
  { key: "actor", label: "Actor", example: "web" },
  { key: "run", label: "Run", example: "a run's id" },
  { key: "plugin", label: "Plugin", example: "org.logomesh.text-tools" },
  { key: "model", label: "Model", example: "mock" },
  { key: "status", label: "Status", example: "completed" },
];
