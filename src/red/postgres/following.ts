/** Whether a copier may follow a writer, and whether it does. */
import { postgresError } from './errors.js';
import type { Layout } from './layout.js';
import { continuesIn, isPastEnd, lastTimeline, lineageOf, lineageQuery, type Timelines } from './lineage.js';
import { addressText, type Address } from './quoting.js';
import { currentLsn, isReceivingTimeline } from './replication.js';
import { lineageAt, timelinesOf } from './source.js';
import type { Sql } from './sql.js';
import { ask } from './wait.js';

/**
 * The copier receives from nobody. It may still be replaying what it has, so it is asked for a while.
 * @throws TheodoraError POSTGRES_DATA_PARTED; as lineageAt.
 */
export async function checkLineage(
  sql: Sql,
  layout: Layout,
  writer: Address,
  password: string,
  timeoutMs: number,
): Promise<void> {
  const theirs = await lineageAt(writer, password);
  const isSame = await ask(timeoutMs, async () => {
    const own = {
      lineage: lineageOf(await sql.query(lineageQuery)),
      lastTimeline: await lastTimeline(layout.inData('pg_wal')),
      pendingToken: await layout.pendingToken(),
    };
    if (continuesIn(own, theirs)) return true;
    // Rows do not go away: what has parted already stays so.
    const isPendingTheirs = own.pendingToken === null || [...theirs.values()].includes(own.pendingToken);
    const haveParted = [...own.lineage].some(([timeline, token]) => theirs.get(timeline) !== token);
    return haveParted || !isPendingTheirs ? false : null;
  });
  if (isSame === true) return;
  const text = `the data have parted from those of the writer at ${addressText(writer)}`;
  throw postgresError('POSTGRES_DATA_PARTED', text, 'Rewind, or clone where that cannot be done', {
    fields: { ...writer },
  });
}

/**
 * Whether a copier gets what the writer writes, and has nothing that the writer has not. False before the time is over if it has
 * received more of an earlier timeline than the writer took over: then it never will.
 */
export async function isFollowingWithin(
  sql: Sql,
  layout: Layout,
  writer: Address,
  password: string,
  timeoutMs: number,
): Promise<boolean> {
  let timelines: Timelines | null = null;
  const answer = await ask(timeoutMs, async () => {
    timelines ??= await timelinesOf(writer, password);
    if (timelines === null) return null;
    if (await isReceivingTimeline(sql, timelines.last)) return true;
    const own = await lastTimeline(layout.inData('pg_wal'));
    return isPastEnd(own, await currentLsn(sql), timelines) ? false : null;
  });
  return answer === true;
}
