/** Whole tasks to begin with: `#{…}` is what is to be filled in. */
import type { Proposal } from "./suggest.ts";

function template(label: string, detail: string, body: readonly string[]): Proposal {
  return { label, kind: "template", detail, text: [`#{${label}}:`, ...body.map((line) => `\t\t${line}`)].join("\n") };
}

export const TASK_TEMPLATES: Proposal[] = [
  template("set", "computes a value", ["set:", "\t#{name}: '${ #{.} }'"]),
  template("ask", "asks a model", ["call: llm", "with:", "\tprompt: #{Say hello.}"]),
  template("use", "calls a tool of a plugin", [
    "call: plugin",
    "with:",
    "\tplugin: #{plugin}",
    "\ttool: #{tool}",
    "\targuments: {#{}}",
  ]),
  template("fetch", "asks a server", ["call: http", "with:", "\tmethod: get", "\tendpoint: https://#{example.org}"]),
  template("keep", "keeps a thought", ["call: thought.create", "with:", "\ttitle: #{Title}", "\tbody: '${ #{.} }'"]),
  template("choose", "goes one of several ways", [
    "switch:",
    "\t- #{first}: { when: '${ #{.} }', then: #{continue} }",
    "\t- otherwise: { then: #{end} }",
  ]),
  template("repeat", "once for each item", [
    "for: { each: #{item}, in: '${ #{.items} }' }",
    "do:",
    "\t- #{step}:",
    "\t\t\tset: { value: '${ $#{item} }' }",
  ]),
  template("together", "at the same time", [
    "fork:",
    "\tbranches:",
    "\t\t- #{one}:",
    "\t\t\t\tset: { done: true }",
    "\t\t- #{two}:",
    "\t\t\t\tset: { done: true }",
  ]),
  template("attempt", "catches errors and tries again", [
    "try:",
    "\t- #{step}:",
    "\t\t\tset: { done: true }",
    "catch:",
    "\tretry:",
    "\t\tdelay: PT1S",
    "\t\tlimit: { attempt: { count: 3 } }",
  ]),
  template("pause", "waits", ["wait: #{PT5S}"]),
  template("fail", "raises an error", [
    "raise:",
    "\terror:",
    "\t\ttype: https://open-workflow-specification.org/spec/1.0.0/errors/runtime",
    "\t\tstatus: 500",
  ]),
];
