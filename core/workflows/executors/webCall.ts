import type { JsonValue } from "@logomesh/contracts";
import type { AuthorizeHop, Policy, WebAnswer, WebRequest } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import type { AuthenticatedFetch, Proof } from "./authenticatedFetch.ts";
import type { TaskContext, TaskRequest } from "./taskExecutor.ts";

/** A task's own `timeout` ends it sooner. */
const TIMEOUT_MS = 300_000;

/** Requests of one step: each host and each secret is asked of the policy, as the workflow. */
export class WebCall {
  readonly #options: { policy: Policy; web: AuthenticatedFetch; request: TaskRequest; context: TaskContext };

  constructor(options: { policy: Policy; web: AuthenticatedFetch; request: TaskRequest; context: TaskContext }) {
    this.#options = options;
  }

  /** @throws LogoMeshError LM_POLICY_DENIED, and what the network throws */
  fetch(webRequest: WebRequest, policyOfCall?: JsonValue, limits: { bytesMax?: number } = {}): Promise<WebAnswer> {
    const { web, request, context } = this.#options;
    const proof = this.#proof(policyOfCall);
    const authorize: AuthorizeHop = ({ scheme, host, port, method, address }) =>
      this.#require("net.fetch", {
        type: "NetHost",
        id: `${scheme}://${host}:${port}`,
        attributes: { method, ...(address === undefined ? {} : { address }) },
      });
    const caller = `workflow:${request.principal.id}`;
    return web.fetch(webRequest, proof, {
      ...{ signal: context.signal, caller, authorize, redirects: "answer", timeoutMs: TIMEOUT_MS, ...limits },
    });
  }

  #proof(policyOfCall: JsonValue | undefined): Proof | undefined {
    const { authentication, secrets = [] } = this.#options.request.task;
    if (authentication === undefined || !isObject(policyOfCall ?? null)) return undefined;
    for (const name of secrets) this.#require("secret.use", { type: "Secret", id: name });
    return { authentication, policy: policyOfCall ?? null };
  }

  #require(action: "net.fetch" | "secret.use", resource: Parameters<Policy["require"]>[0]["resource"]): void {
    const { policy, request, context } = this.#options;
    policy.require({
      ...{ principal: request.principal, action, resource },
      context: { tainted: context.tainted, run: request.runId, task: request.task.reference },
    });
  }
}
