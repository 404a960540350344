import { openReadingConnection } from "../db/index.ts";
import type { SqlRow, UnendedQuery } from "../ports/index.ts";

/** Numbers that one step back looks through; bounds what is held at once. */
const STRETCH_ENTRIES = 5_000;

export interface ListUnendedParams extends UnendedQuery {
  databasePath: string;
}

/**
 * What began and did not end. The log is not read where as many ended as began, which the index of kinds tells; else it is read
 * backwards until every missing end is accounted for, and what a crash cut off lies near the end. Answers `body` and `leaf` of each,
 * oldest first.
 */
export function listUnended({ databasePath, begin, ends, before }: ListUnendedParams): SqlRow[] {
  using db = openReadingConnection(databasePath);
  const kinds = [begin, ...ends];
  const places = kinds.map(() => "?").join(", ");
  const counts = db
    .prepare(`SELECT sum(kind = ?) AS begun, count(*) AS both FROM audit_entry WHERE kind IN (${places}) AND seq < ?`)
    .get(begin, ...kinds, before);
  const begun = Number(counts?.begun ?? 0);
  const missing = begun - (Number(counts?.both ?? 0) - begun);
  const ended = new Set<number>();
  const found: number[] = [];
  const stretch = db.prepare(
    `SELECT seq, kind, CASE WHEN kind = ? THEN NULL ELSE json_extract(CAST(body AS TEXT), '$.data.request') END AS request
     FROM audit_entry WHERE kind IN (${places}) AND seq >= ? AND seq < ?`,
  );
  for (let top = before; top > 0 && found.length < missing; top -= STRETCH_ENTRIES) {
    const rows = stretch.all(begin, ...kinds, top - STRETCH_ENTRIES, top);
    for (const { seq, kind, request } of rows.toSorted((a, b) => Number(b.seq) - Number(a.seq))) {
      if (kind === begin) {
        if (!ended.delete(Number(seq))) found.push(Number(seq));
      } else if (typeof request === "number") ended.add(request);
    }
  }
  const entry = db.prepare("SELECT body, leaf FROM audit_entry WHERE seq = ?");
  return found.toReversed().flatMap((seq) => {
    const row = entry.get(seq);
    return row === undefined ? [] : [row];
  });
}
