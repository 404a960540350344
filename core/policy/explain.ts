import {
  JsonObjectSchema,
  LogoMeshError,
  type Actor,
  type AuditEntry,
  type JsonObject,
  type PolicyExplanation,
} from "@logomesh/contracts";
import { z } from "zod";
import type { PolicyDecision, PolicyRequest, Principal } from "../ports/index.ts";
import { cedar } from "./cedar.ts";
import { BUILTIN_POLICIES, RESERVED_ID } from "./builtins.ts";
import { annotationsOf, type Constitution } from "./constitution.ts";
import type { GrantPolicies } from "./grantPolicies.ts";
import { allowedRequestOf } from "./recordedRequests.ts";

// From an entry of the log back to what was asked and decided.

export interface RecordedDecision {
  request: PolicyRequest;
  decision: PolicyDecision;
  /** `Plugin:org.example.words`: the one of the chain that was refused. */
  refused: string | undefined;
}

const PrincipalSchema = z.object({ type: z.enum(["Plugin", "Workflow", "Client", "DevShell"]), id: z.string() });
const RequestSchema = z.object({
  principal: PrincipalSchema,
  chain: z.array(PrincipalSchema).default([]),
  action: z.string(),
  resource: z.object({
    type: z.string(),
    id: z.string(),
    attributes: JsonObjectSchema.optional(),
  }),
  context: z
    .object({
      callDepth: z.int().optional(),
      tainted: z.boolean().optional(),
      run: z.string().optional(),
      task: z.string().optional(),
    })
    .default({}),
});

/** @throws LogoMeshError LM_INPUT_INVALID for an entry that is about no decision */
export function readDecision(entry: AuditEntry): RecordedDecision {
  if (entry.kind === "policy.denied") return readDenial(entry);
  const request = allowedRequestOf(entry);
  if (request === undefined)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `Entry ${entry.seq} is ${entry.kind}: it records no decision. Ask about a denial, a grant, a call or start of a plugin, a prompt, a step of a run, or what a plugin asked of the workbench (host.…).`,
    );
  return {
    request,
    decision: {
      allowed: true,
      policies: [],
      reason: "Only denials are recorded with their policies; these are the ones that decide it now.",
    },
    refused: undefined,
  };
}

/** Whose grant the entry is about; undefined for any other entry. */
export function granteeOf({ kind, data }: AuditEntry): Principal | undefined {
  if (kind === "grant.workflow") return { type: "Workflow", id: textOf(data.definition) };
  if (kind === "grant.plugin" || kind === "grant.revoked") return { type: "Plugin", id: textOf(data.plugin) };
  return undefined;
}

function readDenial({ actor, data, payloads, seq }: AuditEntry): RecordedDecision {
  const decision: PolicyDecision = {
    allowed: false,
    policies: Array.isArray(data.policies) ? data.policies.map(String) : [],
    reason: textOf(data.reason),
  };
  // Its payload may have been withheld; the entry itself says the most important.
  const request =
    payloads?.request === undefined
      ? {
          principal: principalOf(actor),
          action: textOf(data.action),
          resource: { type: textOf(data.resourceType), id: textOf(data.resource) },
        }
      : parseRequest(payloads.request, seq);
  return { request: request as PolicyRequest, decision, refused: textOf(data.principal) };
}

function parseRequest(text: string, seq: number): unknown {
  const parsed = RequestSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new LogoMeshError("LM_INPUT_INVALID", `The request in entry ${seq} cannot be read.`);
}

function principalOf({ type, id }: Actor): Principal {
  if (type === "plugin") return { type: "Plugin", id };
  return { type: type === "workflow" ? "Workflow" : "Client", id };
}

/** The policies of these ids as they read now. */
export function describePolicies(
  ids: readonly string[],
  { constitution, permits }: { constitution: Constitution; permits: GrantPolicies },
): PolicyExplanation["policies"] {
  return ids.map((id) => {
    const permit = permits[id];
    const text =
      constitution.get(id) ?? BUILTIN_POLICIES[id] ?? (permit === undefined ? undefined : permitText(permit));
    const why = text === undefined ? undefined : annotationsOf(text).why;
    const origin = id.startsWith("grant:") ? "grant" : RESERVED_ID.test(id) ? "built-in" : "constitution";
    return { id, origin, ...(why === undefined ? {} : { why }), ...(text === undefined ? {} : { text }) };
  });
}

function permitText(permit: GrantPolicies[string]): string {
  const answer = cedar().policyToText(permit);
  return answer.type === "success" ? answer.text : JSON.stringify(permit);
}

function textOf(value: JsonObject[string] | undefined): string {
  return typeof value === "string" ? value : "";
}
