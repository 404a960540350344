import {
  LogoMeshError,
  type Actor,
  type AuditEntry,
  type Constitution,
  type ConstitutionChange,
  type PolicyExplanation,
  type PutConstitutionParams,
} from "@logomesh/contracts";
import { sha256Hex } from "../base/index.ts";
import type { AuditLog, Clock, Principal } from "../ports/index.ts";
import { annotationsOf, parseConstitution } from "./constitution.ts";
import { compareRules, findFlips, toShown } from "./constitutionPreview.ts";
import { askedOf, chainFault, type CedarPolicy } from "./createPolicy.ts";
import { constitutionChangedEntry } from "./entries.ts";
import { Evaluator, permitsOf, type Asked, type EvaluatorOptions, type GrantSource } from "./evaluator.ts";
import { describePolicies, granteeOf, readDecision } from "./explain.ts";
import { requestsOfGrants } from "./grantRequests.ts";
import { RemedyFinder } from "./remedy.ts";

// What a person asks about the policy: the constitution with its preview, and why something was decided as it was.

export interface PolicyAdminOptions extends EvaluatorOptions {
  policy: CedarPolicy;
  grants: GrantSource;
  audit: AuditLog;
  clock: Pick<Clock, "monotonicMs">;
  /** An entry with its payloads. @throws LogoMeshError LM_NOT_FOUND */
  getEntry: (seq: number) => Promise<AuditEntry>;
  /** The newest entry of a kind. */
  newestOf: (kind: string) => AuditEntry | undefined;
}

const FILE: Actor = { type: "system", id: "constitution.cedar" };

export class PolicyAdmin {
  readonly #options: PolicyAdminOptions;
  readonly #preview: Evaluator;
  readonly #remedies: RemedyFinder;
  /** Changes and previews one after the other: they share an evaluator, and a change must be the one that was previewed. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PolicyAdminOptions) {
    this.#options = options;
    this.#preview = new Evaluator(options);
    this.#remedies = new RemedyFinder(options);
  }

  constitution(): Constitution {
    const { policy } = this.#options;
    policy.warm();
    const { path, inForce, problem } = policy.file;
    const text = this.#textOfFile();
    return {
      file: path,
      ...(text === undefined ? {} : { text, sha256: sha256Hex(text) }),
      ...(inForce === undefined
        ? {}
        : {
            inForce: {
              sha256: inForce.sha256,
              rules: [...inForce.rules].map(([id, rule]) => {
                const { why } = annotationsOf(rule);
                return { id, ...(why === undefined ? {} : { why }), text: rule };
              }),
            },
          }),
      ...(problem === undefined ? {} : { problem: problem.toProblem() }),
    };
  }

  /**
   * Puts another text in place, whole or not at all, with its entry in the log before it is in force; or says what it would change.
   * @throws LogoMeshError LM_POLICY_CONSTITUTION_INVALID, LM_CONFLICT when the file holds another text than the one that was edited
   */
  putConstitution(
    params: PutConstitutionParams,
    options: { preview: boolean; caller: { actor: Actor } },
  ): Promise<ConstitutionChange> {
    const done = this.#turn.then(() => this.#put(params, options));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Explains an entry of the log. @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID when it records no decision */
  async why(seq: number): Promise<PolicyExplanation> {
    const { policy, grants, getEntry } = this.#options;
    const entry = await getEntry(seq);
    const grantee = granteeOf(entry);
    if (grantee !== undefined) return this.#whatWasGranted(entry, grantee);
    const { request, decision, refused } = readDecision(await this.#promptOf(entry));
    policy.warm();
    const constitution = policy.file.inForce?.rules ?? new Map<string, string>();
    const asked = askedOf(request);
    const principals = asked.map((one) => ({
      principal: nameOf(one.principal),
      isRefused: nameOf(one.principal) === refused,
      now: toShown(policy.decideAlone(one)),
    }));
    const now = policy.decide(request);
    const permits = Object.assign({}, ...asked.map(({ principal }) => permitsOf(principal, grants))) as ReturnType<
      typeof permitsOf
    >;
    const { resource, context = {} } = request;
    const { run, task } = context;
    return {
      ...{ seq, ts: entry.ts, recorded: toShown(decision), principals },
      request: {
        action: request.action,
        resource,
        callDepth: asked[0]?.callDepth ?? 0,
        tainted: context.tainted ?? false,
        ...(run === undefined ? {} : { run }),
        ...(task === undefined ? {} : { task }),
      },
      policies: describePolicies(decision.allowed ? now.policies : decision.policies, { constitution, permits }),
      ...(now.allowed ? {} : { remedy: this.#remedy(asked, chainFault(request), constitution) }),
    };
  }

  /** The answer of a model, or the step that asked it, was decided with the prompt: its entry says who asked for what. */
  #promptOf(entry: AuditEntry): Promise<AuditEntry> {
    const seq = entry.kind.startsWith("llm.") ? entry.data.request : entry.data.requestSeq;
    return typeof seq === "number" ? this.#options.getEntry(seq) : Promise.resolve(entry);
  }

  /** A person decided, not a policy: what that permits now. */
  #whatWasGranted({ seq, ts, kind, actor }: AuditEntry, grantee: Principal): PolicyExplanation {
    const { policy, grants } = this.#options;
    policy.warm();
    const constitution = policy.file.inForce?.rules ?? new Map<string, string>();
    const permits = permitsOf(grantee, grants);
    const ids = Object.keys(permits);
    const by = `${actor.type} ${actor.id}`;
    const now =
      ids.length === 0
        ? "nothing is granted now."
        : "these are the permits that are in force now; a forbid of the constitution beats each of them.";
    const reason =
      kind === "grant.revoked"
        ? `It was taken back by ${by}: ${now}`
        : `It was granted by ${by}, not decided by a policy: ${now}`;
    return {
      ...{ seq, ts, recorded: { allowed: true, policies: [], reason }, principals: [] },
      request: { action: kind, resource: { type: grantee.type, id: grantee.id }, callDepth: 0, tainted: false },
      policies: describePolicies(ids, { constitution, permits }),
    };
  }

  /** Whether anything of this kind ever happened here. */
  hasEntry(kind: string): boolean {
    return this.#options.newestOf(kind) !== undefined;
  }

  /** Enters into the log what the constitution says, if that is another text than the log knows. */
  async recordAtStart(): Promise<void> {
    const { policy, audit, newestOf } = this.#options;
    policy.warm();
    const version = policy.file.inForce;
    if (version === undefined) return;
    const known = newestOf("constitution.changed")?.data.sha256;
    const previous = typeof known === "string" ? known : undefined;
    if (previous !== version.sha256) await audit.append(constitutionChangedEntry({ version, previous, actor: FILE }));
  }

  async #put(
    { text, baseSha256 }: PutConstitutionParams,
    { preview, caller }: { preview: boolean; caller: { actor: Actor } },
  ): Promise<ConstitutionChange> {
    const { policy, audit } = this.#options;
    const rules = parseConstitution(text, policy.file.path);
    const version = { text, sha256: sha256Hex(text), rules };
    policy.warm();
    const before = policy.file.inForce;
    const change = {
      sha256: version.sha256,
      ...(before === undefined ? {} : { previousSha256: before.sha256 }),
      rules: compareRules(before?.rules, rules),
      ...(await this.#replay(rules)),
    };
    if (preview) return { applied: false, ...change };
    const held = this.#textOfFile();
    if (baseSha256 !== undefined && held !== undefined && sha256Hex(held) !== baseSha256)
      throw new LogoMeshError(
        "LM_CONFLICT",
        "The constitution was changed since this text was made from it; nothing was written. Read it again and repeat the edit.",
      );
    const prepared = policy.file.prepare(text);
    try {
      await audit.append(constitutionChangedEntry({ version, previous: before?.sha256, actor: caller.actor }));
      policy.replaceConstitution(prepared.rename);
    } catch (error) {
      prepared.discard();
      throw error;
    }
    return { applied: true, ...change };
  }

  async #replay(rules: ReadonlyMap<string, string>): Promise<Pick<ConstitutionChange, "replayed" | "left" | "flips">> {
    const { policy, grants, clock } = this.#options;
    this.#preview.setConstitution(rules);
    const asDecided = (asked: Asked) => ({ asked, from: "decision" as const });
    const asGranted = (asked: Asked) => ({ asked, from: "grant" as const });
    const { left, ...found } = await findFlips({
      clock,
      requests: [...policy.recent.list().map(asDecided), ...requestsOfGrants(grants).map(asGranted)],
      before: (asked) => policy.decideAlone(asked),
      after: (asked) => this.#preview.evaluate(asked),
    });
    return { ...found, left: left + policy.recent.forgotten };
  }

  #remedy(
    asked: readonly Asked[],
    fault: string | undefined,
    constitution: ReadonlyMap<string, string>,
  ): PolicyExplanation["remedy"] {
    const { policy } = this.#options;
    const denial = policy.denialOfAll;
    if (denial !== undefined) return { text: `No grant changes this. ${denial.reason}`, suffices: false };
    if (fault !== undefined) return { text: `No grant changes this. ${fault}`, suffices: false };
    for (const one of asked) {
      const now = policy.decideAlone(one);
      if (!now.allowed) return this.#remedies.find(one, now, constitution);
    }
    return undefined;
  }

  #textOfFile(): string | undefined {
    try {
      return this.#options.policy.file.readText();
    } catch {
      // What is wrong with the file is its problem, which is shown.
      return undefined;
    }
  }
}

function nameOf({ type, id }: Principal): string {
  return `${type}:${id}`;
}
