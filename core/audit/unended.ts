import type { AuditEntry } from "@logomesh/contracts";
import type { AuditHistory, Reader } from "../ports/index.ts";
import { toEntry } from "./auditQuery.ts";

/** Numbers that one step back looks through; bounds what the reader thread holds at once. */
const STRETCH_ENTRIES = 5_000;

/**
 * What began and did not end. The log is not read where as many ended as began, which the index of kinds tells; else it is read
 * backwards until every missing end is accounted for, and what a crash cut off lies near the end.
 */
export async function listUnended(
  reader: Reader,
  { begin, ends, before }: Parameters<AuditHistory["listUnended"]>[0],
): Promise<AuditEntry[]> {
  const kinds = [begin, ...ends];
  const places = kinds.map(() => "?").join(", ");
  const [counts] = await reader.scan(
    `SELECT sum(kind = ?) AS begun, count(*) AS both FROM audit_entry WHERE kind IN (${places}) AND seq < ?`,
    begin,
    ...kinds,
    before,
  );
  const begun = Number(counts?.begun ?? 0);
  const missing = begun - (Number(counts?.both ?? 0) - begun);
  const ended = new Set<number>();
  const found: number[] = [];
  for (let top = before; top > 0 && found.length < missing; top -= STRETCH_ENTRIES) {
    const rows = await reader.scan(
      `SELECT seq, kind, CASE WHEN kind = ? THEN NULL ELSE json_extract(CAST(body AS TEXT), '$.data.request') END AS request
       FROM audit_entry WHERE kind IN (${places}) AND seq >= ? AND seq < ?`,
      begin,
      ...kinds,
      top - STRETCH_ENTRIES,
      top,
    );
    for (const { seq, kind, request } of rows.toSorted((a, b) => Number(b.seq) - Number(a.seq))) {
      if (kind === begin) {
        if (!ended.delete(Number(seq))) found.push(Number(seq));
      } else if (typeof request === "number") ended.add(request);
    }
  }
  return found.toReversed().flatMap((seq) => {
    const row = reader.get("SELECT body, leaf FROM audit_entry WHERE seq = ?", seq);
    return row === undefined ? [] : [toEntry(row)];
  });
}
