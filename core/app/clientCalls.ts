import type { JsonObject } from "@logomesh/contracts";
import { messageOf, sha256Hex, toLogoMeshError } from "../base/index.ts";
import type { AuditLog, Clock, Policy, PolicyRequest } from "../ports/index.ts";
import type { Caller, ClientCall, ClientService } from "./workbench.ts";

/** Characters of a tool's name in an entry: callers choose it. */
const NAME_CHARS_MAX = 200;

interface WorkflowName {
  namespace: string;
  name: string;
}

export interface ClientCallsOptions {
  policy: Policy;
  audit: AuditLog;
  clock: Clock;
}

/** What clients of the Model Context Protocol do: each call is decided by policy and leaves an entry with the client's token. */
export class ClientCalls implements ClientService {
  readonly #options: ClientCallsOptions;

  constructor(options: ClientCallsOptions) {
    this.#options = options;
  }

  async perform<T extends object>(
    call: ClientCall,
    { caller, signal }: { caller: Caller; signal: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T> {
    const { policy, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const record = (status: string, data: JsonObject): void =>
      this.#record(call, caller, {
        status,
        data: { ...data, durationUs: Math.round((clock.monotonicMs() - startedMs) * 1_000) },
      });
    try {
      if (call.needs !== undefined) policy.require({ principal: caller.principal, ...call.needs });
      const result = await work();
      const text = JSON.stringify(result);
      record("isError" in result && result.isError === true ? "faulted" : "completed", {
        resultBytes: Buffer.byteLength(text),
        resultSha256: sha256Hex(text),
      });
      return result;
    } catch (error) {
      const { code } = toLogoMeshError(error);
      const status = signal.aborted ? "cancelled" : code === "LM_POLICY_DENIED" ? "denied" : "faulted";
      record(status, { code, reason: messageOf(error).slice(0, NAME_CHARS_MAX).toWellFormed() });
      throw error;
    }
  }

  mayRead(workflow: WorkflowName, { principal }: Caller): boolean {
    return this.#options.policy.decide({ principal, ...readingOf(workflow) }).allowed;
  }

  requireRead(workflow: WorkflowName, { principal }: Caller): void {
    this.#options.policy.require({ principal, ...readingOf(workflow) });
  }

  #record(call: ClientCall, caller: Caller, outcome: { status: string; data: JsonObject }): void {
    this.#options.audit.enqueue({
      kind: "mcp.called",
      actor: caller.actor,
      trace: { status: outcome.status },
      data: {
        token: caller.principal.id,
        tool: call.tool.slice(0, NAME_CHARS_MAX).toWellFormed(),
        ...outcome.data,
      },
      payload: { arguments: { bytes: JSON.stringify(call.arguments), media: "application/json" } },
    });
  }
}

function readingOf({ namespace, name }: WorkflowName): Pick<PolicyRequest, "action" | "resource"> {
  return { action: "workflow.read", resource: { type: "Workflow", id: `${namespace}/${name}` } };
}
