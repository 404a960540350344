import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";
import { CONSTITUTION_BYTES_MAX, LogoMeshError } from "@logomesh/contracts";
import { assert } from "../base/index.ts";
import { RESERVED_ID } from "./builtins.ts";
import { cedar } from "./cedar.ts";
import { POLICY_SCHEMA } from "./schema.ts";

/** The user's forbids by `@id`, as policy text. */
export type Constitution = ReadonlyMap<string, string>;

interface Fault {
  message: string;
  /** Byte offset into the text. */
  at: number;
}

/**
 * Checks the whole text strictly.
 * @param file name in the error
 * @throws LogoMeshError LM_POLICY_CONSTITUTION_INVALID with file, line and column
 */
export function parseConstitution(text: string, file: string): Constitution {
  const refuse = ({ message, at }: Fault): never => {
    const { line, column } = positionOf(text, at);
    throw new LogoMeshError("LM_POLICY_CONSTITUTION_INVALID", `${file}, line ${line}, column ${column}: ${message}`, {
      data: { file, line, column },
    });
  };
  const bytes = Buffer.byteLength(text);
  if (bytes > CONSTITUTION_BYTES_MAX)
    refuse({ message: `the file has ${bytes} bytes; at most ${CONSTITUTION_BYTES_MAX} are read.`, at: 0 });
  const parsed = cedar().checkParsePolicySet({ staticPolicies: text });
  if (parsed.type === "failure") refuse(toFault(parsed.errors[0]));
  const rules = new Map<string, string>();
  for (const { source, at } of splitPolicies(text)) {
    const fault = faultOf(source, rules);
    if (fault !== undefined) refuse({ message: fault, at });
    rules.set(annotationsOf(source).id ?? "", source);
  }
  const fault = validate(text);
  if (fault !== undefined) refuse(fault);
  return rules;
}

/** The annotations of one static policy. */
export function annotationsOf(policy: Cedar.Policy): { id?: string; why?: string } {
  const answer = cedar().policyToJson(policy);
  assert(answer.type === "success", "a policy that was parsed has a JSON form");
  return answer.json.annotations ?? {};
}

function faultOf(source: string, rules: ReadonlyMap<string, string>): string | undefined {
  const answer = cedar().policyToJson(source);
  if (answer.type === "failure") return "a template (`?principal`, `?resource`) is no rule.";
  const { effect, annotations } = answer.json;
  if (effect === "permit")
    return "the constitution holds only `forbid` rules; permissions are granted to plugins and workflows.";
  const id = annotations?.id;
  if (id === undefined || id === "") return 'the rule has no name: write @id("…") before it.';
  if (RESERVED_ID.test(id)) return `the name ${id} is reserved for the workbench's own rules.`;
  if (rules.has(id)) return `the name ${id} is taken by an earlier rule.`;
  return undefined;
}

/** Strict validation; a rule that can never apply protects nothing and is a fault as well. */
function validate(text: string): Fault | undefined {
  const answer = cedar().validate({ schema: POLICY_SCHEMA, policies: { staticPolicies: text } });
  if (answer.type === "failure") return toFault(answer.errors[0]);
  const found =
    answer.validationErrors[0] ??
    answer.validationWarnings.find(({ error }) => /impossible|unable to find an applicable/.test(error.message));
  if (found === undefined) return undefined;
  const { message, at } = toFault(found.error);
  return { message: message.replace(/^for policy `[^`]*`, /, ""), at };
}

function toFault(error: Cedar.DetailedError | undefined): Fault {
  const location = error?.sourceLocations?.[0];
  const parts = [error?.message.replace("failed to parse policies from string: ", ""), location?.label, error?.help];
  return { message: `${parts.filter(Boolean).join("; ")}.`, at: location?.start ?? 0 };
}

/** The policies in order of the text, with their byte offsets; the library sorts them by an id of its own. */
function splitPolicies(text: string): { source: string; at: number }[] {
  const answer = cedar().policySetTextToParts(text);
  assert(answer.type === "success", "a text that was parsed can be split");
  const taken = new Set<number>();
  const found = [...answer.policies, ...answer.policy_templates].map((source) => {
    let index = text.indexOf(source);
    while (taken.has(index)) index = text.indexOf(source, index + 1);
    taken.add(index);
    return { source, index };
  });
  return found
    .sort((left, right) => left.index - right.index)
    .map(({ source, index }) => ({ source, at: Buffer.byteLength(text.slice(0, Math.max(0, index))) }));
}

function positionOf(text: string, byteOffset: number): { line: number; column: number } {
  const before = Buffer.from(text).subarray(0, byteOffset).toString();
  const lines = before.split("\n");
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
