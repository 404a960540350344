import { LogoMeshError, type Actor, type JsonObject } from "@logomesh/contracts";
import { canonicalJson, toDisposable } from "../base/index.ts";
import type {
  AuditEntryDraft,
  AuditLog,
  Grants,
  PluginGrant,
  Principal,
  Reader,
  WorkflowGrant,
  WriteCommand,
  Writer,
} from "../ports/index.ts";
import { isWorkflowAction, parsePermissions } from "./grantPolicies.ts";
import type { SetWorkflowGrantsParams } from "./policyWriterModule.ts";

/** What a definition may ask for; a longer list makes each decision slow. */
const WORKFLOW_GRANTS_MAX = 1000;
/** Characters of an id, host or path. */
const TEXT_CHARS_MAX = 2000;

export interface SqliteGrantsOptions {
  writer: Writer;
  reader: Reader;
  audit: AuditLog;
}

/** Grants in the database. Each change commits together with its audit entry. */
export class SqliteGrants implements Grants {
  readonly #options: SqliteGrantsOptions;
  readonly #listeners = new Set<(principal: Principal) => void>();

  constructor(options: SqliteGrantsOptions) {
    this.#options = options;
  }

  /** Called after every change with whose grants changed. */
  onDidChange(listener: (principal: Principal) => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => this.#listeners.delete(listener));
  }

  /** @throws LogoMeshError LM_INPUT_INVALID */
  async grantWorkflow(params: SetWorkflowGrantsParams): Promise<void> {
    const { definitionHash, grantedBy } = params;
    const grants = uniqueGrants(params.grants);
    if (canonicalJson(grants) === canonicalJson(this.workflowGrants(definitionHash))) return;
    await this.#write(
      { type: "Workflow", id: definitionHash },
      {
        name: "policy.setWorkflowGrants",
        params: { definitionHash, grants, grantedBy } satisfies SetWorkflowGrantsParams,
      },
      {
        kind: "grant.workflow",
        actor: actorOf(grantedBy),
        data: { definition: definitionHash, grants: grants.length },
        payload: { grants: { bytes: canonicalJson(grants), media: "application/json" } },
      },
    );
  }

  /** Sorted by action and resource. */
  workflowGrants(definitionHash: string): WorkflowGrant[] {
    return this.#options.reader
      .all("SELECT action, resource FROM workflow_grant WHERE definition_hash = ?", definitionHash)
      .map(({ action, resource }) => ({
        action: String(action) as WorkflowGrant["action"],
        resource: String(resource),
      }))
      .sort(byActionAndResource);
  }

  /** @throws LogoMeshError LM_INPUT_INVALID */
  async grantPlugin(grant: PluginGrant): Promise<void> {
    const permissions = parsePermissions(grant.permissions) as JsonObject;
    for (const text of [grant.pluginId, grant.sha256, ...textsIn(permissions)]) requireText(text);
    const stored = this.pluginGrant(grant.pluginId);
    if (
      stored !== undefined &&
      canonicalJson({ ...stored, grantedBy: "" }) === canonicalJson({ ...grant, grantedBy: "" })
    )
      return;
    const { pluginId, sha256, group, toolsHash, outsideSandbox, grantedBy } = grant;
    await this.#write(
      { type: "Plugin", id: pluginId },
      { name: "policy.setPluginGrant", params: { ...grant, permissions } },
      {
        kind: "grant.plugin",
        actor: actorOf(grantedBy),
        trace: { plugin: pluginId },
        data: {
          ...{ plugin: pluginId, sha256, group, ...(toolsHash === undefined ? {} : { toolsHash }) },
          ...(outsideSandbox === undefined ? {} : { outsideSandbox }),
        },
        payload: { permissions: { bytes: canonicalJson(permissions), media: "application/json" } },
      },
    );
  }

  async revokePlugin({ pluginId, revokedBy }: { pluginId: string; revokedBy: string }): Promise<void> {
    if (this.pluginGrant(pluginId) === undefined) return;
    await this.#write(
      { type: "Plugin", id: pluginId },
      { name: "policy.deletePluginGrant", params: { pluginId } },
      {
        kind: "grant.revoked",
        actor: actorOf(revokedBy),
        trace: { plugin: pluginId },
        data: { plugin: pluginId },
      },
    );
  }

  pluginGrant(pluginId: string): PluginGrant | undefined {
    const row = this.#options.reader.get("SELECT * FROM plugin_grant WHERE plugin_id = ?", pluginId);
    if (row === undefined) return undefined;
    return {
      pluginId,
      sha256: String(row.sha256),
      group: row.plugin_group === "builtin" ? "builtin" : "user",
      permissions: JSON.parse(String(row.permissions)) as JsonObject,
      ...(row.tools_hash === null ? {} : { toolsHash: String(row.tools_hash) }),
      ...(row.outside_sandbox === 0 ? {} : { outsideSandbox: true }),
      grantedBy: String(row.granted_by),
    };
  }

  listGrants(): { plugins: PluginGrant[]; workflows: { definitionHash: string; grants: WorkflowGrant[] }[] } {
    const { reader } = this.#options;
    const plugins = reader.all("SELECT plugin_id FROM plugin_grant ORDER BY plugin_id");
    const workflows = reader.all("SELECT DISTINCT definition_hash FROM workflow_grant ORDER BY definition_hash");
    return {
      plugins: plugins.flatMap(({ plugin_id }) => this.pluginGrant(String(plugin_id)) ?? []),
      workflows: workflows.map(({ definition_hash }) => {
        const definitionHash = String(definition_hash);
        return { definitionHash, grants: this.workflowGrants(definitionHash) };
      }),
    };
  }

  async #write(whose: Principal, change: WriteCommand, entry: AuditEntryDraft): Promise<void> {
    await this.#options.writer.run([change, this.#options.audit.command(entry)]);
    for (const listener of this.#listeners) listener(whose);
  }
}

/** `client:tok_1` and the like; a bare name is a person. */
function actorOf(grantedBy: string): Actor {
  const [, type, id] = /^(person|client|workflow|plugin|system):(.+)$/s.exec(grantedBy) ?? [];
  return type === undefined || id === undefined
    ? { type: "person", id: grantedBy }
    : { type: type as Actor["type"], id };
}

function uniqueGrants(grants: readonly WorkflowGrant[]): WorkflowGrant[] {
  if (grants.length > WORKFLOW_GRANTS_MAX) {
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `The workflow asks for ${grants.length} permissions; at most ${WORKFLOW_GRANTS_MAX} can be granted. Split it.`,
    );
  }
  const unique = new Map<string, WorkflowGrant>();
  for (const { action, resource } of grants) {
    if (!isWorkflowAction(action))
      throw new LogoMeshError("LM_INPUT_INVALID", `${action} cannot be granted to a workflow.`);
    requireText(resource);
    unique.set(JSON.stringify([action, resource]), { action, resource });
  }
  return [...unique.values()].sort(byActionAndResource);
}

/** Two texts with halves of surrogate pairs could become the same text elsewhere, and one grant two. */
function requireText(text: string): void {
  if (text !== "" && text.length <= TEXT_CHARS_MAX && text.isWellFormed()) return;
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    `A grant needs well-formed text of 1 to ${TEXT_CHARS_MAX} characters; this one has ${text.length}.`,
  );
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null)
    for (const member of Object.values(value)) yield* textsIn(member);
}

function byActionAndResource(left: WorkflowGrant, right: WorkflowGrant): number {
  const [a, b] = [`${left.action} ${left.resource}`, `${right.action} ${right.resource}`];
  return a < b ? -1 : a > b ? 1 : 0;
}
