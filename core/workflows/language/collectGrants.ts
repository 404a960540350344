import type { JsonObject, JsonValue } from "@logomesh/contracts";
import type { WorkflowGrant } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import type { CallTask, WorkflowDefinition } from "./definition.ts";

/** What a definition names literally, and so asks for: shown at push, granted with it, sorted and without repeats. */
export function collectGrants(definition: WorkflowDefinition): WorkflowGrant[] {
  const grants = new Map<string, WorkflowGrant>();
  for (const task of definition.tasksByReference.values()) {
    const grant = task.type === "call" ? grantOfCall(task) : undefined;
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
    case "http": {
      const origin = hostOf(task);
      return origin === undefined ? undefined : { action: "net.fetch", resource: origin };
    }
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Scheme, host and port of an HTTP call: the part of its endpoint that is always literal. */
export function hostOf(task: CallTask): string | undefined {
  const document = task.with.kind === "literal" ? (task.with.value as JsonObject) : undefined;
  const endpoint = document?.endpoint ?? endpointTemplate(task);
  const uri = isObject(endpoint ?? null) ? (endpoint as JsonObject).uri : endpoint;
  if (typeof uri !== "string") return undefined;
  const match = /^(https?):\/\/([^/?#]+)/i.exec(uri);
  if (match === null || !URL.canParse(match[0])) return undefined;
  const url = new URL(match[0]);
  return `${url.protocol}//${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
}

function endpointTemplate(task: CallTask): JsonObject | string | undefined {
  if (task.with.kind !== "object") return undefined;
  const endpoint = task.with.members.find(({ key }) => key === "endpoint")?.value;
  if (endpoint?.kind === "literal") return endpoint.value as JsonObject | string;
  const uri = endpoint?.kind === "object" ? endpoint.members.find(({ key }) => key === "uri")?.value : undefined;
  return uri?.kind === "literal" ? (uri.value as string) : undefined;
}
