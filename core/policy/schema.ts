/** What a policy may speak about. Context is kept coarse, so that decisions can be cached. */
export const POLICY_SCHEMA = `
entity Client = { scopes: Set<String>, tools: Set<Tool> };
entity Plugin = { group: String };
entity Workflow;
entity DevShell;

entity Tool = { plugin: String, name: String };
entity Model = { name: String, provider: String, local: Bool, simulated: Bool };
entity NetHost = { scheme: String, host: String, port: Long, method: String, reach: String };
entity Thoughts;
entity File = { path: String, lowerPath: String };
entity EventType = { name: String };
entity Secret = { name: String };

type Situation = { callDepth: Long, tainted: Bool, throughPlugin: Bool };

action "plugin.call" appliesTo { principal: [Client, Plugin, Workflow, DevShell], resource: [Tool], context: Situation };
action "plugin.start" appliesTo {
  principal: [Client, Plugin, Workflow, DevShell],
  resource: [Plugin],
  context: { callDepth: Long, tainted: Bool, throughPlugin: Bool, granted: Bool }
};
action "llm.generate" appliesTo { principal: [Client, Plugin, Workflow, DevShell], resource: [Model], context: Situation };
action "model.propose" appliesTo { principal: [Client, Plugin, Workflow, DevShell], resource: [Model], context: Situation };
action "net.fetch" appliesTo { principal: [Client, Plugin, Workflow, DevShell], resource: [NetHost], context: Situation };
action "thought.read", "thought.write" appliesTo {
  principal: [Client, Plugin, Workflow, DevShell],
  resource: [Thoughts],
  context: Situation
};
action "workflow.read", "workflow.run" appliesTo { principal: [Client, Plugin, Workflow, DevShell], resource: [Workflow], context: Situation };
action "fs.any";
action "fs.read", "fs.propose" in ["fs.any"] appliesTo {
  principal: [Client, Plugin, Workflow, DevShell],
  resource: [File],
  context: Situation
};
action "store", "blob" appliesTo { principal: [Plugin], resource: [Plugin], context: Situation };
action "event.publish", "event.subscribe" appliesTo {
  principal: [Client, Plugin, Workflow, DevShell],
  resource: [EventType],
  context: Situation
};
action "secret.use" appliesTo { principal: [Workflow], resource: [Secret], context: Situation };
`;

export const POLICY_ACTIONS = [
  "plugin.call",
  "plugin.start",
  "llm.generate",
  "model.propose",
  "net.fetch",
  "thought.read",
  "thought.write",
  "workflow.read",
  "workflow.run",
  "fs.read",
  "fs.propose",
  "store",
  "blob",
  "secret.use",
  "event.publish",
  "event.subscribe",
] as const;
export type PolicyAction = (typeof POLICY_ACTIONS)[number];
