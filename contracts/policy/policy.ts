import { z } from "zod";
import { ProblemSchema } from "../errors/problem.ts";
import { JsonObjectSchema } from "../json.ts";

/** Of `constitution.cedar`; what is longer is a mistake. */
export const CONSTITUTION_BYTES_MAX = 256 * 1024;

const PolicyRuleSchema = z.object({
  /** Its `@id`. */
  id: z.string(),
  /** Its `@why`: what a denial says. */
  why: z.string().optional(),
  /** Cedar. */
  text: z.string(),
});

/** The file, and what of it is in force. */
export const ConstitutionSchema = z.object({
  file: z.string(),
  /** What the file holds now, valid or not; left out when it cannot be read. */
  text: z.string().optional(),
  sha256: z.string().optional(),
  /** The last good version; left out when there was none since the start: then nothing privileged runs. */
  inForce: z.object({ sha256: z.string(), rules: z.array(PolicyRuleSchema) }).optional(),
  /** Why what the file holds is not in force. */
  problem: ProblemSchema.optional(),
});
export type Constitution = z.infer<typeof ConstitutionSchema>;

export const PutConstitutionParamsSchema = z.strictObject({
  text: z.string().max(CONSTITUTION_BYTES_MAX),
  /** Of the text that was edited: when the file holds another one by now, nothing is changed. */
  baseSha256: z.string().optional(),
});
export type PutConstitutionParams = z.infer<typeof PutConstitutionParamsSchema>;

const PolicyDecisionSchema = z.object({
  allowed: z.boolean(),
  /** Ids of the policies that decided. */
  policies: z.array(z.string()),
  reason: z.string(),
});

/** One thing that was asked, or that a grant allows, and what the edit makes of it. */
const PolicyFlipSchema = z.object({
  /** `Plugin:org.example.words`. */
  principal: z.string(),
  action: z.string(),
  resource: z.string(),
  tainted: z.boolean(),
  callDepth: z.int(),
  /** It was asked since the start, or it is what a grant names. */
  from: z.enum(["decision", "grant"]),
  before: PolicyDecisionSchema,
  after: PolicyDecisionSchema,
});
export type PolicyFlip = z.infer<typeof PolicyFlipSchema>;

export const ConstitutionChangeSchema = z.object({
  /** False for a preview. */
  applied: z.boolean(),
  sha256: z.string(),
  previousSha256: z.string().optional(),
  rules: z.object({ added: z.array(z.string()), removed: z.array(z.string()), changed: z.array(z.string()) }),
  /** How many requests were decided by both versions: what was asked lately, each kind of request first, and what grants name. */
  replayed: z.int(),
  /** Requests that were asked since the start and are not among those: too many, or too long ago. */
  left: z.int(),
  flips: z.array(PolicyFlipSchema),
});
export type ConstitutionChange = z.infer<typeof ConstitutionChangeSchema>;

/** What would have to be granted; `fits` is what it would decide now. */
const PolicyRemedySchema = z.object({
  /** In words, for the user. */
  text: z.string(),
  /** Left out when no grant helps. */
  grant: z
    .discriminatedUnion("kind", [
      z.object({ kind: z.literal("plugin"), plugin: z.string(), permissions: JsonObjectSchema }),
      z.object({ kind: z.literal("workflow"), definition: z.string(), action: z.string(), resource: z.string() }),
      z.object({ kind: z.literal("scope"), token: z.string(), scope: z.string() }),
    ])
    .optional(),
  /** Whether the request would be allowed with it: false when a rule forbids it all the same. */
  suffices: z.boolean(),
});
export type PolicyRemedy = z.infer<typeof PolicyRemedySchema>;

/** Why an entry of the log was decided as it was. */
export const PolicyExplanationSchema = z.object({
  seq: z.int(),
  ts: z.iso.datetime(),
  /** As the log has it. */
  recorded: PolicyDecisionSchema,
  request: z.object({
    action: z.string(),
    resource: z.object({ type: z.string(), id: z.string(), attributes: JsonObjectSchema.optional() }),
    callDepth: z.int(),
    tainted: z.boolean(),
    run: z.string().optional(),
    task: z.string().optional(),
  }),
  /** Everyone who had to be allowed, the asking one last, each as it would be decided now. */
  principals: z.array(z.object({ principal: z.string(), isRefused: z.boolean(), now: PolicyDecisionSchema })),
  /** The policies that the entry names, as they read now. */
  policies: z.array(
    z.object({
      id: z.string(),
      origin: z.enum(["constitution", "built-in", "grant"]),
      why: z.string().optional(),
      /** Left out when there is no such policy any more. */
      text: z.string().optional(),
    }),
  ),
  /** Left out when it would be allowed now. */
  remedy: PolicyRemedySchema.optional(),
});
export type PolicyExplanation = z.infer<typeof PolicyExplanationSchema>;

/** Nothing privileged runs while it is on. */
export const LockdownSchema = z.discriminatedUnion("on", [
  z.object({ on: z.literal(false) }),
  z.object({
    on: z.literal(true),
    reason: z.string(),
    /** Who set it: `person:…`, `client:…`, or `system:…` for what triggers it by itself. */
    setBy: z.string(),
    setAt: z.iso.datetime(),
    /** How to leave. */
    leave: z.string(),
  }),
]);
export type Lockdown = z.infer<typeof LockdownSchema>;
