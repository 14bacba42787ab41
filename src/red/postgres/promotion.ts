/**
 * How a copier becomes writer. It receives nothing any more before it is promoted, and the promotion itself ends a receiver
 * that were still there and replays all that it had flushed: so what the old writer may have acknowledged is here, and
 * it can acknowledge nothing more. Whom commits wait for, and the token, are set while nobody can write.
 */
import { postgresError } from './errors.js';
import type { Layout } from './layout.js';
import { recordWriter } from './lineage.js';
import type { Part } from './part.js';
import { ensureSlot, isInRecovery, receiverPid } from './replication.js';
import type { Sql } from './sql.js';
import { until } from './wait.js';

/** @throws TheodoraError POSTGRES_TIMEOUT if a receiver stays. */
export async function stopReceiving(sql: Sql, part: Part, timeoutMs: number): Promise<void> {
  await part.apply({ follows: null }, timeoutMs);
  await until('it stops receiving', timeoutMs, async () => (await receiverPid(sql)) === null);
}

/** The checkpointer is the one that makes commits wait; idle, it has read the settings of the start. */
export async function untilGateIsClosed(sql: Sql, timeoutMs: number): Promise<void> {
  await until('the checkpointer is ready', timeoutMs, async () => {
    const rows = await sql.query(
      `SELECT FROM pg_stat_activity WHERE backend_type = 'checkpointer'
          AND wait_event IN ('CheckpointerMain', 'CheckpointWriteDelay')`,
    );
    return rows.length > 0;
  });
}

/** @throws TheodoraError POSTGRES_NOT_COPIER, POSTGRES_NOT_PROMOTED, POSTGRES_TIMEOUT: then stop the server. */
export async function promote(
  sql: Sql,
  part: Part,
  layout: Layout,
  { token, synchronous }: { token: bigint; synchronous: readonly string[] },
  timeoutMs: number,
): Promise<void> {
  if (!(await isInRecovery(sql))) {
    const text = 'this database server is no copier, so it cannot be promoted';
    throw postgresError('POSTGRES_NOT_COPIER', text, 'Stop it and start it as copier first');
  }
  await stopReceiving(sql, part, timeoutMs);
  await part.apply({ token: String(token), synchronous }, timeoutMs);
  await layout.beginPromotion(token);
  const seconds = Math.ceil(timeoutMs / 1_000);
  await sql.withSession(async (session) => {
    const [row] = await session.query(
      'SELECT pg_promote(true, $1) AS done',
      [seconds],
      (seconds + 1) * 1_000,
    );
    if (row?.['done'] !== true || (await isInRecovery(sql))) {
      const text = `the database server did not become writer within ${timeoutMs} ms`;
      throw postgresError(
        'POSTGRES_NOT_PROMOTED',
        text,
        'Stop it, and start it as copier again; see its log',
      );
    }
    await recordWriter(session, token);
  });
  await layout.endPromotion();
  // Without a slot nobody receives: so nobody has anything of the new timeline without knowing whose it is.
  for (const name of synchronous) await ensureSlot(sql, name);
}
