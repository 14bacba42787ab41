/** What a server says about who receives from it and from whom it receives. */
import { idOfStandby } from './names.js';
import { parseLsn, type Lsn } from './lsn.js';
import type { Row, Sql } from './sql.js';
import { until } from './wait.js';

export interface Standby {
  /** Null: none of our replicas, a backup for example. */
  readonly id: string | null;
  readonly name: string;
  /** `startup`, `catchup`, `streaming`, `backup` or `stopping`. */
  readonly state: string;
  /** Whether commits wait for it, as the connection that serves it sees that. */
  readonly isSynchronous: boolean;
  /** Up to where it has the log on its disk; null: it has not said yet. */
  readonly flushLsn: Lsn | null;
  readonly lagBytes: number | null;
}

const lsnOrNull = (value: unknown): Lsn | null => (typeof value === 'string' ? parseLsn(value) : null);

async function onlyRow(sql: Sql, text: string, values: readonly unknown[] = []): Promise<Row> {
  const [row] = await sql.query(text, values);
  return row ?? {};
}

export async function standbys(sql: Sql): Promise<Standby[]> {
  const rows = await sql.query(
    `SELECT application_name, state, sync_priority, flush_lsn::text AS flush_lsn,
            (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_flush_lsn() END
              - flush_lsn)::text AS lag
       FROM pg_stat_replication ORDER BY application_name, pid`,
  );
  return rows.map((row) => ({
    id: idOfStandby(String(row['application_name'])),
    name: String(row['application_name']),
    state: String(row['state']),
    isSynchronous: Number(row['sync_priority']) > 0,
    flushLsn: lsnOrNull(row['flush_lsn']),
    lagBytes: row['lag'] === null ? null : Math.max(0, Number(row['lag'])),
  }));
}

export async function isInRecovery(sql: Sql): Promise<boolean> {
  return (await onlyRow(sql, 'SELECT pg_is_in_recovery() AS copier'))['copier'] === true;
}

/** At a writer, every commit acknowledged so far ends before it; at a copier, what it has on its disk. */
export async function currentLsn(sql: Sql): Promise<Lsn> {
  const row = await onlyRow(
    sql,
    `SELECT CASE WHEN pg_is_in_recovery()
                 THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                 ELSE pg_current_wal_flush_lsn() END::text AS lsn`,
  );
  return parseLsn(String(row['lsn']));
}

/** How much of what the writer told of a copier has not replayed; null: it receives from nobody. */
export async function lagBytes(sql: Sql): Promise<number | null> {
  const row = await onlyRow(
    sql,
    'SELECT (latest_end_lsn - pg_last_wal_replay_lsn())::text AS lag FROM pg_stat_wal_receiver',
  );
  return typeof row['lag'] === 'string' ? Math.max(0, Number(row['lag'])) : null;
}

/** Process of the receiver, connected or on its way; null: there is none. */
export async function receiverPid(sql: Sql): Promise<number | null> {
  const row = await onlyRow(sql, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'`);
  return typeof row['pid'] === 'number' ? row['pid'] : null;
}

/**
 * Whether it has got something from a writer on this timeline: then its own data continue in the writer's. A receiver
 * calls itself streaming from its start, with both times alike until the first message; and one whose data have
 * parted from the writer's may get what is common to both, but never the writer's timeline.
 */
export async function isReceivingTimeline(sql: Sql, timeline: number): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM pg_stat_wal_receiver
      WHERE received_tli = $1 AND last_msg_send_time IS DISTINCT FROM last_msg_receipt_time`,
    [timeline],
  );
  return rows.length > 0;
}

/** @throws TheodoraError POSTGRES_TIMEOUT. */
export async function waitForStandby(sql: Sql, name: string, lsn: Lsn, timeoutMs: number): Promise<void> {
  await until(`${idOfStandby(name) ?? name} has the log on its disk`, timeoutMs, async () =>
    (await standbys(sql)).some(
      (standby) =>
        standby.name === name &&
        standby.state === 'streaming' &&
        standby.flushLsn !== null &&
        standby.flushLsn >= lsn,
    ),
  );
}

/** A slot that fell too far behind keeps nothing any more and is made anew. */
export async function ensureSlot(sql: Sql, name: string): Promise<void> {
  await sql.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = $1 AND wal_status = 'lost' AND NOT active`,
    [name],
  );
  await sql.query(
    `SELECT pg_create_physical_replication_slot($1)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
    [name],
  );
}

/** A server that nobody receives from keeps no log for anybody. */
export async function dropSlots(sql: Sql, name?: string): Promise<void> {
  await sql.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_type = 'physical' AND NOT active AND slot_name LIKE 'red\\_%' AND ($1::text IS NULL OR slot_name = $1)`,
    [name ?? null],
  );
}
