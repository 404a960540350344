import { isDeepStrictEqual } from "node:util";
import {
  LogoMeshError,
  isErrorCode,
  type InputProblem,
  type JsonObject,
  type PluginPermissions,
} from "@logomesh/contracts";
import { z } from "zod";
import { AnyObject, AnyValue, type HostTool } from "../hostPlane/hostTool.ts";
import { ListenInput, parseInput } from "../hostPlane/pluginApi.ts";
import { completeAnswer } from "./scriptedAnswers.ts";

// What a test says of the host: which calls it expects and how they are answered. Read once, before the plugin runs, and held against the
// schemas of the real tools, so that a test cannot pass with an answer that the host would never give.

/** Of one script; each is looked at for every call. */
const CALLS_MAX = 1_000;
/** Of one expected call, and of its pieces and events. */
const TIMES_MAX = 1_000;
/** Requests for events are expected by the name of their method. */
export const LISTEN = "events/listen";

const Progress = z.strictObject({
  progress: z.number(),
  total: z.number().optional(),
  message: z.string().optional(),
});

const ScriptedCallSchema = z.strictObject({
  /** As the host plane calls it: `fs_read`, `store_get` …, or `events/listen`. */
  tool: z.string().min(1).max(128),
  /** What is named here must be asked so; what is not may be anything. */
  arguments: AnyObject.default({}),
  result: AnyObject.optional(),
  error: z.strictObject({ code: z.string(), message: z.string().max(2_000).optional() }).optional(),
  /** Of `llm_generate`: the answer bit by bit. */
  pieces: z.array(z.string()).max(TIMES_MAX).optional(),
  /** Of `plugin_call`: what the other tells while it works. */
  progress: z.array(Progress).max(TIMES_MAX).optional(),
  /** Of `events/listen`, in order. */
  events: z
    .array(
      z.strictObject({
        type: z.string().min(1).max(200),
        subject: z.string().optional(),
        source: z.string().optional(),
        data: AnyValue.optional(),
      }),
    )
    .max(TIMES_MAX)
    .optional(),
  times: z.int().min(1).max(TIMES_MAX).default(1),
});
export type ScriptedCall = z.output<typeof ScriptedCallSchema>;

const ScriptSchema = z.strictObject({ calls: z.array(ScriptedCallSchema).max(CALLS_MAX) });

/** What a manifest has to ask for before the host answers the tool. */
const PERMISSIONS: Readonly<Record<string, keyof PluginPermissions>> = {
  ...{ fs_read: "fs.read", fs_list: "fs.read", fs_propose_change: "fs.propose", net_fetch: "net.fetch" },
  ...{ store_get: "store", store_put: "store", store_delete: "store", store_list: "store" },
  ...{ blob_put: "store", blob_get: "store", llm_generate: "llm.generate", model_propose: "model.propose" },
  ...{ plugin_call: "plugin.call", event_publish: "event.publish", [LISTEN]: "event.subscribe" },
  ...{ thought_search: "thought.read", thought_get: "thought.read", thought_create: "thought.write" },
};

export interface ScriptRules {
  /** Of the real host. */
  tools: ReadonlyMap<string, HostTool>;
  permissions: PluginPermissions;
}

/** @throws LogoMeshError LM_INPUT_INVALID with each place that does not fit the host */
export function readScript(script: JsonObject, rules: ScriptRules): ScriptedCall[] {
  const { calls } = parseInput("the script", ScriptSchema, script);
  const problems = calls.flatMap((call, index) =>
    problemsOf(call, rules).map(({ pointer, message }) => ({ pointer: `/calls/${index}${pointer}`, message })),
  );
  const [first] = problems;
  if (first === undefined) return calls;
  throw new LogoMeshError("LM_INPUT_INVALID", `The host would never answer so: ${first.pointer} ${first.message}.`, {
    problems,
  });
}

function problemsOf(call: ScriptedCall, { tools, permissions }: ScriptRules): InputProblem[] {
  const { tool, error, result, pieces, progress, events } = call;
  const permission = PERMISSIONS[tool];
  const problem = (pointer: string, message: string): InputProblem[] => [{ pointer, message }];
  if (permission === undefined || (tool !== LISTEN && !tools.has(tool)))
    return problem("/tool", `“${tool}” is no tool of the host; there are ${Object.keys(PERMISSIONS).join(", ")}`);
  const isDenied = error?.code === "LM_POLICY_DENIED" || error?.code === "LM_PLUGIN_NOT_GRANTED";
  if (permissions[permission] === undefined && !isDenied)
    return problem("/tool", `“${tool}” needs ${permission}, and plugin.json does not ask for it in permissions`);
  if (error !== undefined && !isErrorCode(error.code))
    return problem("/error/code", `“${error.code}” is no code of docs/errors.md`);
  if (error !== undefined && result !== undefined) return problem("", "has a result and an error; the host gives one");
  const misplaced = [
    ...(pieces !== undefined && tool !== "llm_generate" ? ["pieces"] : []),
    ...(progress !== undefined && tool !== "plugin_call" ? ["progress"] : []),
    ...(events !== undefined && tool !== LISTEN ? ["events"] : []),
    ...(result !== undefined && tool === LISTEN ? ["result"] : []),
  ];
  if (misplaced.length > 0) return problem(`/${misplaced.join(", /")}`, `${tool} has no such thing`);
  return [...argumentProblems(call, tools), ...resultProblems(call, tools)];
}

/** The names alone: what a test leaves open is not known yet, and what does not fit is refused when it is asked. */
function argumentProblems({ tool, arguments: expected }: ScriptedCall, tools: ScriptRules["tools"]): InputProblem[] {
  const input = tool === LISTEN ? ListenInput : tools.get(tool)?.input;
  const known = input instanceof z.ZodObject ? Object.keys(input.shape) : undefined;
  return Object.keys(expected)
    .filter((name) => known?.includes(name) === false)
    .map((name) => ({ pointer: `/arguments/${name}`, message: `${tool} takes ${(known ?? []).join(", ")}` }));
}

/** What is there has to fit now; what is missing may follow from the arguments. */
function resultProblems({ tool, result, ...call }: ScriptedCall, tools: ScriptRules["tools"]): InputProblem[] {
  const output = tools.get(tool)?.output;
  if (result === undefined || !(output instanceof z.ZodObject)) return [];
  // Notes are inside of the answer, and lack as much.
  const shown = tool.startsWith("thought_")
    ? completeAnswer(tool, { args: call.arguments, given: result, pieces: undefined })
    : result;
  return fitProblems(shown, output.partial()).map(({ pointer, message }) => ({
    pointer: `/result${pointer}`,
    message,
  }));
}

/** Where a value is none of the schema's, fields that the schema does not know included. */
function fitProblems(value: JsonObject, schema: z.ZodType): InputProblem[] {
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => ({
      pointer: path.map((part) => `/${String(part)}`).join(""),
      message,
    }));
  const known = parsed.data as JsonObject;
  const foreign = Object.keys(value).filter((name) => !Object.hasOwn(known, name));
  if (foreign.length > 0) return foreign.map((name) => ({ pointer: `/${name}`, message: "is no field of the answer" }));
  return isDeepStrictEqual(plain(known), plain(value))
    ? []
    : [{ pointer: "", message: "holds fields that the host does not give" }];
}

/** The answer of the host to these arguments. @throws LogoMeshError the scripted one; LM_INPUT_INVALID for what the host would not give */
export function answerOf(call: ScriptedCall, args: JsonObject, tool: HostTool): JsonObject {
  const { result = {} } = call;
  const error = scriptedError(call);
  if (error !== undefined) throw error;
  const whole = completeAnswer(call.tool, { args, given: result, pieces: call.pieces });
  const [problem] = fitProblems(whole, tool.output);
  if (problem === undefined) return whole;
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    `The host would never answer ${call.tool} so: /result${problem.pointer} ${problem.message}.`,
  );
}

/** How the host fails, when the test says so. */
export function scriptedError({ tool, error }: ScriptedCall): LogoMeshError | undefined {
  if (error === undefined || !isErrorCode(error.code)) return undefined;
  return new LogoMeshError(error.code, error.message ?? `${tool} fails, as the test says.`);
}

/** Whether everything that the test names was asked so, as it was written or as the host reads it. */
export function isExpected({ arguments: expected }: ScriptedCall, asked: JsonObject, read: JsonObject): boolean {
  return Object.entries(expected).every(
    ([name, value]) =>
      isDeepStrictEqual(plain(asked[name]), plain(value)) || isDeepStrictEqual(plain(read[name]), plain(value)),
  );
}

/** Without the prototypes and the undefined members that parsers leave. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}
