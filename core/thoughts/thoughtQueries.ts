import {
  JsonObjectSchema,
  LogoMeshError,
  type Page,
  type PageQuery,
  type Segment,
  type Thought,
  type ThoughtDetail,
} from "@logomesh/contracts";
import type { Reader, SqlRow, SqlValue } from "../ports/index.ts";

const TAGS = "(SELECT json_group_array(tag ORDER BY sort_order) FROM thought_tag WHERE thought_id = t.id) AS tags";
const COLUMNS = `t.id, t.title, t.body, t.color, t.position_x, t.position_y, t.simulated, t.run_id, t.created_at, t.updated_at, ${TAGS}`;

/** Newest first; the cursor is `<created_at>.<id>` of the last item, so pages stay put while thoughts are added. */
export async function readThoughtPage(reader: Reader, query: PageQuery & { tag?: string }): Promise<Page<Thought>> {
  const conditions: string[] = [];
  const params: SqlValue[] = [];
  if (query.cursor !== undefined) {
    conditions.push("(t.created_at, t.id) < (?, ?)");
    params.push(...parseCursor(query.cursor));
  }
  if (query.tag !== undefined) {
    conditions.push("EXISTS (SELECT 1 FROM thought_tag g WHERE g.thought_id = t.id AND g.tag = ?)");
    params.push(query.tag);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const rows = await reader.scan(
    `SELECT ${COLUMNS} FROM thought t ${where} ORDER BY t.created_at DESC, t.id DESC LIMIT ?`,
    ...params,
    query.limit + 1,
  );
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(toThought),
    nextCursor:
      rows.length > query.limit && last !== undefined ? `${String(last.created_at)}.${String(last.id)}` : null,
  };
}

/** Words that one search may have; each is a look at every thought. */
const WORDS_MAX = 10;

/** Reads every thought: an index for full text comes with the search of thoughts. */
export async function searchThoughts(
  reader: Reader,
  { text, tag, limit }: { text: string; tag?: string | undefined; limit: number },
): Promise<Thought[]> {
  const words = text.split(/\s+/u).filter(Boolean).slice(0, WORDS_MAX);
  const conditions = words.map(
    () => `(t.title LIKE ? ESCAPE '\\' OR t.body LIKE ? ESCAPE '\\' OR
      EXISTS (SELECT 1 FROM segment s WHERE s.thought_id = t.id AND s.content LIKE ? ESCAPE '\\'))`,
  );
  const params: SqlValue[] = words.flatMap((word) => Array<string>(3).fill(`%${word.replace(/[\\%_]/g, "\\$&")}%`));
  if (tag !== undefined) {
    conditions.push("EXISTS (SELECT 1 FROM thought_tag g WHERE g.thought_id = t.id AND g.tag = ?)");
    params.push(tag);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const rows = await reader.scan(
    `SELECT ${COLUMNS} FROM thought t ${where} ORDER BY t.created_at DESC, t.id DESC LIMIT ?`,
    ...params,
    limit,
  );
  return rows.map(toThought);
}

export function readThought(reader: Reader, thoughtId: string): ThoughtDetail | undefined {
  const row = reader.get(`SELECT ${COLUMNS} FROM thought t WHERE t.id = ?`, thoughtId);
  if (row === undefined) return undefined;
  const segments = reader.all(
    "SELECT id, thought_id, title, content, content_type, fields, sort_order FROM segment WHERE thought_id = ? ORDER BY sort_order",
    thoughtId,
  );
  return { ...toThought(row), segments: segments.map(toSegment) };
}

function toThought(row: SqlRow): Thought {
  return {
    id: String(row.id),
    title: String(row.title),
    ...optional("body", row.body),
    tags: JSON.parse(String(row.tags)) as string[],
    ...optional("color", row.color),
    ...(row.position_x === null ? {} : { position: { x: Number(row.position_x), y: Number(row.position_y) } }),
    createdAt: new Date(Number(row.created_at)).toISOString(),
    updatedAt: new Date(Number(row.updated_at)).toISOString(),
    simulated: row.simulated === 1,
    ...optional("runId", row.run_id),
  };
}

function toSegment(row: SqlRow): Segment {
  return {
    id: String(row.id),
    thoughtId: String(row.thought_id),
    ...optional("title", row.title),
    content: String(row.content),
    contentType: row.content_type as Segment["contentType"],
    fields: JsonObjectSchema.parse(JSON.parse(String(row.fields))),
    sortOrder: Number(row.sort_order),
  };
}

function optional<K extends string>(key: K, value: SqlValue | undefined): Partial<Record<K, string>> {
  return typeof value === "string" ? ({ [key]: value } as Record<K, string>) : {};
}

/** @throws LogoMeshError LM_INPUT_INVALID */
function parseCursor(cursor: string): [createdAt: number, id: string] {
  const [, createdAt, id] = /^(\d{1,15})\.([a-z0-9_]{1,80})$/.exec(cursor) ?? [];
  if (createdAt === undefined || id === undefined) {
    throw new LogoMeshError("LM_INPUT_INVALID", "The cursor is not one that a page of thoughts gave.");
  }
  return [Number(createdAt), id];
}
