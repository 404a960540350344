import type { JsonValue } from "@logomesh/contracts";
import type { WorkflowGrant } from "../../ports/index.ts";
import { isObject, type Template } from "../expressions/index.ts";
import type { CallTask, WorkflowDefinition } from "./definition.ts";

/** What a definition names literally, and so asks for: shown at push, granted with it, sorted and without repeats. */
export function collectGrants(definition: WorkflowDefinition): WorkflowGrant[] {
  const grants = new Map<string, WorkflowGrant>();
  for (const task of definition.tasksByReference.values()) {
    const found = task.type === "call" ? [grantOfCall(task), ...grantsOfProof(task)] : [];
    const hosts = (task.hosts ?? []).map((host): WorkflowGrant | undefined => hostGrant(host));
    for (const grant of [...found, ...hosts])
      if (grant !== undefined) grants.set(`${grant.action} ${grant.resource}`, grant);
    if (task.type === "emit")
      grants.set(`event.publish ${task.eventType}`, { action: "event.publish", resource: task.eventType });
    if (task.type === "run") {
      const resource = `${task.workflow.namespace}/${task.workflow.name}`;
      grants.set(`workflow.run ${resource}`, { action: "workflow.run", resource });
    }
  }
  return [...grants.keys()].sort().map((key) => grants.get(key) as WorkflowGrant);
}

function grantOfCall(task: CallTask): WorkflowGrant | undefined {
  const { literals } = task;
  switch (task.call) {
    case "plugin":
      return { action: "plugin.call", resource: `${textOf(literals.plugin)}#${textOf(literals.tool)}` };
    case "llm":
      return { action: "llm.generate", resource: typeof literals.model === "string" ? literals.model : "default" };
    case "thought.create":
      return { action: "thought.write", resource: "*" };
    case "http":
      return hostGrant(endpointOf(task));
    case "openapi":
      return hostGrant(documentOf(task));
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Secrets by name, and where tokens come from. */
function grantsOfProof(task: CallTask): (WorkflowGrant | undefined)[] {
  const secrets = (task.secrets ?? []).map((name): WorkflowGrant => ({ action: "secret.use", resource: name }));
  const owner = task.call === "http" ? memberOf(task.with, "endpoint") : task.with;
  const oauth2 = owner === undefined ? undefined : memberOf(memberOf(owner, "authentication"), "oauth2");
  return [...secrets, hostGrant(textIn(memberOf(oauth2, "authority")))];
}

/** Scheme, host and port of an HTTP call. */
export function hostOf(task: CallTask): string | undefined {
  return hostGrant(endpointOf(task))?.resource;
}

/** Scheme, host and port of what is reached: always literal. */
function hostGrant(uri: string | undefined): WorkflowGrant | undefined {
  const match = /^(https?):\/\/([^/?#]+)/i.exec(uri ?? "");
  if (match === null || !URL.canParse(match[0])) return undefined;
  const url = new URL(match[0]);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return { action: "net.fetch", resource: `${url.protocol}//${url.hostname}:${port}` };
}

function endpointOf(task: CallTask): string | undefined {
  const endpoint = memberOf(task.with, "endpoint");
  return textIn(endpoint) ?? textIn(memberOf(endpoint, "uri"));
}

function documentOf(task: CallTask): string | undefined {
  const endpoint = memberOf(memberOf(task.with, "document"), "endpoint");
  return textIn(endpoint) ?? textIn(memberOf(endpoint, "uri"));
}

/** A member of a mapping, whether parts of it are expressions or not. */
function memberOf(template: Template | undefined, name: string): Template | undefined {
  if (template?.kind === "object") return template.members.find(({ key }) => key === name)?.value;
  if (template?.kind !== "literal" || !isObject(template.value) || !Object.hasOwn(template.value, name))
    return undefined;
  return { kind: "literal", value: template.value[name] as JsonValue };
}

function textIn(template: Template | undefined): string | undefined {
  return template?.kind === "literal" && typeof template.value === "string" ? template.value : undefined;
}
