import {
  LogoMeshError,
  type Actor,
  type CreateThoughtParams,
  type Page,
  type PageQuery,
  type Thought,
  type ThoughtDetail,
} from "@logomesh/contracts";
import { canonicalJson, sha256Hex, type IdSource } from "../base/index.ts";
import type { AuditLog, Clock, Reader, Thoughts, ThoughtWrites, WriteCommand, Writer } from "../ports/index.ts";
import { readThought, readThoughtPage, searchThoughts } from "./thoughtQueries.ts";
import type { CreateThoughtRow } from "./thoughtWriterModule.ts";

// The façade of the thought store. Reading goes through the reader; every change is a writer command together with its audit entry.
// Times of a thought are given here, so that what the caller sees is what will be stored.

/** Characters of SHA-256 in a derived id: 128 bits, so that two keys never meet. */
const DERIVED_ID_HEX_CHARS = 32;

export interface IdeaManagerOptions {
  writer: Writer;
  reader: Reader;
  audit: AuditLog;
  clock: Clock;
  ids: IdSource;
}

/** Notes of a person and of workflows. */
export class IdeaManager implements Thoughts, ThoughtWrites {
  readonly #options: IdeaManagerOptions;

  constructor(options: IdeaManagerOptions) {
    this.#options = options;
  }

  /** Newest first. */
  list(query: PageQuery & { tag?: string }): Promise<Page<Thought>> {
    return readThoughtPage(this.#options.reader, query);
  }

  /** @throws LogoMeshError LM_THOUGHT_NOT_FOUND */
  async get(thoughtId: string): Promise<ThoughtDetail> {
    const thought = readThought(this.#options.reader, thoughtId);
    if (thought === undefined) throw new LogoMeshError("LM_THOUGHT_NOT_FOUND", `There is no thought ${thoughtId}.`);
    return Promise.resolve(thought);
  }

  /** Those that contain every word of `text`, newest first. */
  search(query: { text: string; tag?: string | undefined; limit: number }): Promise<Thought[]> {
    return searchThoughts(this.#options.reader, query);
  }

  async create(params: CreateThoughtParams, caller: { actor: Actor; runId?: string }): Promise<ThoughtDetail> {
    const { audit, ids, writer } = this.#options;
    const { actor, ...origin } = {
      actor: caller.actor,
      ...(caller.runId === undefined ? {} : { runId: caller.runId }),
    };
    const thought = this.#build(params, { id: ids.next("tht"), simulated: false, ...origin });
    const write = createCommand(thought);
    const entry = audit.command({
      kind: "thought.created",
      actor,
      data: { thought: thought.id, segments: thought.segments.length },
    });
    await writer.run([write, entry]);
    return thought;
  }

  prepareCreate(
    params: CreateThoughtParams,
    origin: { key: string; runId?: string; simulated: boolean },
  ): { thought: ThoughtDetail; write: WriteCommand } {
    const { key, ...rest } = origin;
    const thought = this.#build(params, { id: derivedId("tht", key), ...rest });
    return { thought, write: createCommand(thought) };
  }

  #build(params: CreateThoughtParams, origin: { id: string; runId?: string; simulated: boolean }): ThoughtDetail {
    const { segments, tags, ...fields } = replaceHalves(params) as CreateThoughtParams;
    const now = new Date(this.#options.clock.nowMs()).toISOString();
    return {
      ...fields,
      ...origin,
      tags: [...new Set(tags)],
      createdAt: now,
      updatedAt: now,
      segments: segments.map((segment, sortOrder) => ({
        ...segment,
        id: derivedId("seg", `${origin.id}/${sortOrder}`),
        thoughtId: origin.id,
        sortOrder,
      })),
    };
  }
}

function derivedId(prefix: string, key: string): string {
  return `${prefix}_${sha256Hex(key).slice(0, DERIVED_ID_HEX_CHARS)}`;
}

function createCommand(thought: ThoughtDetail): WriteCommand {
  const params: CreateThoughtRow = { thought, creationHash: creationHash(thought) };
  return { name: "thoughts.create", params };
}

/** What makes two creations the same: everything but the time. */
function creationHash(thought: ThoughtDetail): Uint8Array {
  const content = { ...thought, createdAt: undefined, updatedAt: undefined };
  return Buffer.from(sha256Hex(canonicalJson(content)), "hex");
}

/** Text of strangers may hold halves of surrogate pairs, which neither UTF-8 nor canonical JSON can say. */
function replaceHalves(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(replaceHalves);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name.toWellFormed(), replaceHalves(member)]),
  );
}
