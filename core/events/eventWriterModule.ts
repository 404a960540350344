import type { CreateWriterModule, WriteContext } from "../db/index.ts";

/** The newest so many are kept: a listener that begins later hears nothing older. */
const EVENTS_MAX = 100_000;
/** Kept for so long, whichever comes first. */
const EVENT_AGE_MS_MAX = 30 * 86_400_000;
/** Old events go in portions, so that no commit waits for many. */
const FORGET_EVERY = 64;
const FORGET_AT_ONCE_MAX = 256;

export interface AppendEventParams {
  source: string;
  id: string;
  type: string;
  runId: string | null;
  /** JSON text of the whole event. */
  envelope: string;
}

/** What the main thread is told after the commit, in order. */
export interface StoredEventNotice {
  position: number;
  runId: string | null;
  envelope: string;
}

/** The write half of the event store. The same source and id are kept once. */
export const createEventWriterModule: CreateWriterModule = () => {
  let stored: readonly StoredEventNotice[] = [];
  const append = (context: WriteContext, params: AppendEventParams): number | null => {
    const { source, id, type, runId, envelope } = params;
    const nowMs = context.clock.nowMs();
    const row = context
      .sql(
        `INSERT INTO event (source, event_id, type, run_id, stored_at, envelope) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (source, event_id) DO NOTHING RETURNING position`,
      )
      .get(source, id, type, runId, nowMs, envelope) as { position: number } | undefined;
    if (row === undefined) return null;
    stored = [...stored, { position: row.position, runId, envelope }];
    if (row.position % FORGET_EVERY === 0) forget(context, { newest: row.position, nowMs });
    return row.position;
  };
  return {
    name: "event",
    commands: { "event.append": append },
    participant: {
      mark: () => stored,
      restore: (mark) => {
        stored = mark as readonly StoredEventNotice[];
      },
      takeNotice: () => {
        const notice = stored;
        stored = [];
        return notice.length === 0 ? undefined : notice;
      },
    },
  };
};

function forget(context: WriteContext, { newest, nowMs }: { newest: number; nowMs: number }): void {
  context
    .sql(
      `DELETE FROM event WHERE position IN (
         SELECT position FROM event WHERE position <= ? OR stored_at < ? ORDER BY position LIMIT ?)`,
    )
    .run(newest - EVENTS_MAX, nowMs - EVENT_AGE_MS_MAX, FORGET_AT_ONCE_MAX);
}
