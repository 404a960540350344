import { z } from "zod";
import {
  ConstitutionChangeSchema,
  ConstitutionSchema,
  LockdownSchema,
  PolicyExplanationSchema,
  PutConstitutionParamsSchema,
} from "../../policy/policy.ts";
import { type Route } from "../route.ts";

export const policyRoutes = {
  getConstitution: {
    method: "GET",
    path: "/api/policy/constitution",
    scope: "admin",
    summary: "The constitution: what its file holds, and what of it is in force",
    responses: { 200: ConstitutionSchema },
  },
  putConstitution: {
    method: "PUT",
    path: "/api/policy/constitution",
    scope: "admin",
    summary: "Replace the constitution, or with `?preview=true` say what that would change",
    query: z.object({ preview: z.stringbool().optional() }),
    body: PutConstitutionParamsSchema,
    responses: { 200: ConstitutionChangeSchema },
  },
  getLockdown: {
    method: "GET",
    path: "/api/lockdown",
    scope: "run",
    summary: "Whether everything privileged is stopped, why, and how to leave",
    responses: { 200: LockdownSchema },
  },
  beginLockdown: {
    method: "POST",
    path: "/api/lockdown",
    scope: "admin",
    summary: "Stop everything privileged at once, until it is left",
    body: z.strictObject({ reason: z.string().min(1).max(500).optional() }),
    responses: { 200: LockdownSchema },
  },
  endLockdown: {
    method: "DELETE",
    path: "/api/lockdown",
    scope: "admin",
    summary: "Leave the lockdown and go on with the runs that it stopped",
    responses: { 200: LockdownSchema },
  },
  explainDecision: {
    method: "GET",
    path: "/api/policy/why/:seq",
    scope: "admin",
    summary: "Why an entry of the log was allowed or denied, and which grant would change it",
    params: z.object({ seq: z.coerce.number().int().min(0) }),
    responses: { 200: PolicyExplanationSchema },
  },
} as const satisfies Record<string, Route>;
