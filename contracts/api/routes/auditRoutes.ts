import { z } from "zod";
import { AuditEntrySchema, AuditQuerySchema, VerifyReportSchema } from "../../audit/audit.ts";
import { PageQuerySchema, pageOf } from "../page.ts";
import { type Route } from "../route.ts";

export const auditRoutes = {
  queryAudit: {
    method: "GET",
    path: "/api/audit",
    scope: "admin",
    summary: "Query the audit log, newest first",
    query: PageQuerySchema.extend(AuditQuerySchema.shape),
    responses: { 200: pageOf(AuditEntrySchema) },
  },
  getAuditEntry: {
    method: "GET",
    path: "/api/audit/:seq",
    scope: "admin",
    summary: "An entry with its payloads",
    params: z.object({ seq: z.coerce.number().int().min(0) }),
    responses: { 200: AuditEntrySchema },
  },
  verifyAudit: {
    method: "GET",
    path: "/api/audit/verify",
    scope: "admin",
    summary: "Verify the whole log",
    responses: { 200: VerifyReportSchema },
  },
  listCheckpoints: {
    method: "GET",
    path: "/api/audit/checkpoints",
    scope: "admin",
    summary: "Signed statements of size and root",
    query: PageQuerySchema,
    responses: { 200: pageOf(z.object({ size: z.int(), note: z.string(), createdAt: z.iso.datetime() })) },
  },
} as const satisfies Record<string, Route>;
