import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type AuditRoute = "queryAudit" | "getAuditEntry" | "verifyAudit" | "listCheckpoints";

export function auditRoutes({ audit }: Workbench): HandlersOf<AuditRoute> {
  return {
    queryAudit: ({ query }) => audit.query(query),
    getAuditEntry: ({ params }) => audit.getEntry(params.seq),
    verifyAudit: () => audit.verify(),
    listCheckpoints: ({ query }) => audit.listCheckpoints(query),
  };
}
