/** What is asked of another replica's server, by TCP as the replicating role. */
import { replicationRole } from './configuration.js';
import type { Address } from './quoting.js';
import { isReceivingTimeline } from './replication.js';
import { Session, type Sql } from './sql.js';
import { ask } from './wait.js';

const checkpointTimeoutMs = 60_000;

/** Calls `action` with a session at that server; null: it is no writer. */
async function atWriter<T>(
  source: Address,
  password: string,
  action: (session: Session) => Promise<T>,
): Promise<T | null> {
  const session = await Session.open({ ...source, user: replicationRole, database: 'postgres', password });
  try {
    const [row] = await session.query('SELECT pg_is_in_recovery() AS copier');
    return row?.['copier'] === false ? await action(session) : null;
  } finally {
    session.close();
  }
}

/**
 * pg_rewind compares with the last checkpoint, and right after a promotion that is still one from before it. False: it is no
 * writer. @throws TheodoraError POSTGRES_UNREACHABLE, POSTGRES_QUERY_FAILED.
 */
export async function checkpointAtWriter(source: Address, password: string): Promise<boolean> {
  const done = await atWriter(source, password, (session) =>
    session.query('CHECKPOINT', [], checkpointTimeoutMs),
  );
  return done !== null;
}

/** Null: it does not answer, or is no writer. */
async function timelineOf(source: Address, password: string): Promise<number | null> {
  try {
    return await atWriter(source, password, async (session) => {
      const [row] = await session.query('SELECT pg_walfile_name(pg_current_wal_lsn()) AS file');
      return Number.parseInt(String(row?.['file']).slice(0, 8), 16);
    });
  } catch {
    // Asked again until the time is over; the receiver's own complaints are in the log.
    return null;
  }
}

/** Whether a copier gets what the writer writes, and has nothing that the writer has not. */
export async function isFollowingWithin(
  sql: Sql,
  writer: Address,
  password: string,
  timeoutMs: number,
): Promise<boolean> {
  let timeline: number | null = null;
  const answer = await ask(timeoutMs, async () => {
    timeline ??= await timelineOf(writer, password);
    return timeline !== null && (await isReceivingTimeline(sql, timeline)) ? true : null;
  });
  return answer !== null;
}
