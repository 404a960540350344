import type { CallToolResult, JsonObject, JsonValue } from "@logomesh/contracts";
import { isObject } from "../base/index.ts";

// What a plugin answers to a call, as far as it is what the protocol says an answer is. Nothing of it is fetched, decoded or interpreted.

type Block = JsonObject & { type: string };

/** Blocks of other kinds, or without what their kind needs, are left out: no client could read them. */
export function readToolResult(answer: JsonObject, durationMs: number): CallToolResult {
  const blocks: JsonValue[] = Array.isArray(answer.content) ? answer.content : [];
  return {
    content: blocks.filter(isBlock),
    isError: answer.isError === true,
    durationMs,
    ...(answer.structuredContent === undefined ? {} : { structuredContent: answer.structuredContent }),
  };
}

/** What each kind needs. */
const KINDS: ReadonlyMap<unknown, (block: JsonObject) => boolean> = new Map([
  ["text", ({ text }) => typeof text === "string"],
  ["image", isMedia],
  ["audio", isMedia],
  ["resource_link", ({ uri, name }) => typeof uri === "string" && typeof name === "string"],
  ["resource", ({ resource }) => isObject(resource) && typeof resource.uri === "string" && hasContent(resource)],
] satisfies [string, (block: JsonObject) => boolean][]);

function isBlock(block: JsonValue): block is Block {
  return isObject(block) && KINDS.get(block.type)?.(block) === true;
}

function isMedia({ data, mimeType }: JsonObject): boolean {
  return typeof data === "string" && typeof mimeType === "string";
}

function hasContent({ text, blob }: JsonObject): boolean {
  return typeof text === "string" || typeof blob === "string";
}
