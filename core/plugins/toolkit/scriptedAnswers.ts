import { isUtf8 } from "node:buffer";
import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { canonicalJson, isObject, sha256Hex } from "../../base/index.ts";
import { blobHandle } from "../hostPlane/blobHandles.ts";

// Fills in what a test need not say of an answer, because it follows from what was asked or from the rest of the answer: the hash and the
// length of a text, the form in which bytes travel, ids. What a test does say stays as it is, unless it contradicts the rest.

interface Given {
  args: JsonObject;
  given: JsonObject;
  pieces: readonly string[] | undefined;
}

/** Of what a test makes up: no time of a clock, so that the same test gives the same answer. */
const INSTANT = "2026-01-01T00:00:00.000Z";

const COMPLETE: Readonly<Record<string, (given: Given) => JsonObject>> = {
  fs_read: ({ args, given }) => ({ path: args.path ?? "", ...content(given, args) }),
  net_fetch: ({ args, given }) => {
    const { sha256: _, ...answer } = content({ text: "", ...given }, args);
    return { status: 200, headers: {}, url: args.url ?? "", ...answer };
  },
  blob_get: ({ args, given }) => part(given, args),
  blob_put: ({ args }) => {
    const bytes = Buffer.from(textOf(args.base64), "base64");
    return { handle: blobHandle(sha256Hex(bytes)), bytes: bytes.length };
  },
  fs_propose_change: ({ args, given }) => ({ ...pending(args), ...given }),
  model_propose: ({ args, given }) => ({ ...pending(args), ...given }),
  store_get: ({ given }) => ({ ...given, found: Object.hasOwn(given, "value") }),
  store_delete: ({ given }) => ({ deleted: true, ...given }),
  store_list: ({ given }) => ({ keys: [], isMore: false, ...given }),
  event_publish: ({ args, given }) => ({ id: idOf("evt", args), ...given }),
  thought_create: ({ args, given }) => ({ id: idOf("tht", args), ...given }),
  thought_get: ({ args, given: { thought = {}, ...rest } }) => ({
    thought: thoughtOf(thought, { id: args.id ?? "", segments: [] }),
    ...rest,
  }),
  thought_search: ({ given: { thoughts = [], ...rest } }) => ({
    thoughts: Array.isArray(thoughts) ? thoughts.map((thought) => thoughtOf(thought, {})) : thoughts,
    ...rest,
  }),
  llm_generate: ({ given, pieces }) => ({
    ...(pieces === undefined ? {} : { text: pieces.join("") }),
    ...{ model: "scripted", provider: "scripted", simulated: true, finishReason: "stop", ...given },
  }),
  plugin_call: ({ given }) => {
    const { structuredContent } = given;
    const said = structuredContent === undefined ? [] : [{ type: "text", text: JSON.stringify(structuredContent) }];
    return { content: said, isError: false, durationMs: 0, ...given };
  },
};

/** The whole answer of the tool, as far as it follows. @throws LogoMeshError LM_INPUT_INVALID when the parts contradict each other */
export function completeAnswer(tool: string, given: Given): JsonObject {
  const whole = COMPLETE[tool]?.(given) ?? given.given;
  for (const [name, value] of Object.entries(given.given)) {
    const isMoved =
      ["text", "base64", "thought", "thoughts"].includes(name) || (tool === "blob_get" && name === "bytes");
    if (!isMoved && canonicalJson(whole[name] ?? null) !== canonicalJson(value))
      throw contradiction(
        tool,
        `${name} is ${JSON.stringify(value)}, and would be ${JSON.stringify(whole[name] ?? null)}`,
      );
  }
  if (tool === "llm_generate" && given.pieces !== undefined && whole.text !== given.pieces.join(""))
    throw contradiction(tool, "the pieces together are another text than the result");
  return whole;
}

/** Bytes of `text` or `base64` in the form that was asked for. */
function content({ text, base64, ...given }: JsonObject, { as = "text" }: JsonObject): JsonObject {
  if (text === undefined && base64 === undefined) return given;
  const bytes = base64 === undefined ? Buffer.from(textOf(text)) : Buffer.from(textOf(base64), "base64");
  const facts = { ...given, sha256: sha256Hex(bytes), bytes: bytes.length };
  if (as === "blob") return { ...facts, handle: blobHandle(facts.sha256) };
  if (as === "base64") return { ...facts, base64: bytes.toString("base64") };
  if (!isUtf8(bytes))
    throw new LogoMeshError("LM_INPUT_INVALID", "It is no text in UTF-8. Ask for it as base64, or as a blob.");
  return { ...facts, text: bytes.toString("utf8") };
}

/** The part that was asked for, of the whole bytes. */
function part({ base64, media = "application/octet-stream" }: JsonObject, args: JsonObject): JsonObject {
  const whole = Buffer.from(textOf(base64), "base64");
  const [offset, length] = [Number(args.offset ?? 0), Number(args.length ?? whole.length)];
  const piece = whole.subarray(offset, offset + length).toString("base64");
  return { base64: piece, media, bytes: whole.length, isMore: offset + length < whole.length };
}

function thoughtOf(given: JsonValue, known: JsonObject): JsonValue {
  if (!isObject(given)) return given;
  const made = { id: idOf("tht", given), title: "", tags: [], createdAt: INSTANT, updatedAt: INSTANT };
  return { ...made, simulated: false, ...known, ...given };
}

function pending(args: JsonObject): JsonObject {
  return { approvalId: idOf("apr", args), contentHash: sha256Hex(canonicalJson(args)), status: "pending" };
}

function idOf(prefix: string, of: JsonObject): string {
  return `${prefix}_${sha256Hex(canonicalJson(of)).slice(0, 20)}`;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function contradiction(tool: string, what: string): LogoMeshError {
  return new LogoMeshError("LM_INPUT_INVALID", `The host would never answer ${tool} so: ${what}.`);
}
