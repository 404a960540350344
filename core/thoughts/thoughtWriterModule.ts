import type { ThoughtDetail } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts/errors";
import type { CreateWriterModule, WriteContext } from "../db/index.ts";

export interface CreateThoughtRow {
  thought: ThoughtDetail;
  creationHash: Uint8Array;
}

const INSERT_THOUGHT = `INSERT INTO thought
  (id, title, body, color, position_x, position_y, simulated, run_id, created_at, updated_at, creation_hash)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_SEGMENT = `INSERT INTO segment
  (id, thought_id, title, content, content_type, fields, sort_order) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** Command `thoughts.create`: answers `{created}`; false when the same thought was there already. */
export const createThoughtWriterModule: CreateWriterModule = () => ({
  name: "thoughts",
  commands: { "thoughts.create": createThought },
});

function createThought(context: WriteContext, { thought, creationHash }: CreateThoughtRow): { created: boolean } {
  const stored = context.sql("SELECT creation_hash FROM thought WHERE id = ?").get(thought.id);
  if (stored !== undefined) {
    if (Buffer.compare(stored.creation_hash as Uint8Array, creationHash) === 0) return { created: false };
    throw new LogoMeshError("LM_CONFLICT", `The thought ${thought.id} exists already with other content.`);
  }
  context
    .sql(INSERT_THOUGHT)
    .run(
      thought.id,
      thought.title,
      thought.body ?? null,
      thought.color ?? null,
      thought.position?.x ?? null,
      thought.position?.y ?? null,
      thought.simulated ? 1 : 0,
      thought.runId ?? null,
      Date.parse(thought.createdAt),
      Date.parse(thought.updatedAt),
      creationHash,
    );
  thought.tags.forEach((tag, index) =>
    context.sql("INSERT INTO thought_tag (thought_id, tag, sort_order) VALUES (?, ?, ?)").run(thought.id, tag, index),
  );
  for (const { id, title, content, contentType, fields, sortOrder } of thought.segments) {
    context
      .sql(INSERT_SEGMENT)
      .run(id, thought.id, title ?? null, content, contentType, JSON.stringify(fields), sortOrder);
  }
  return { created: true };
}
