/** What is asked of another replica's server, by TCP as the replicating role. */
import type { TheodoraError } from '../../client/index.js';
import { replicationRole } from './configuration.js';
import { postgresError } from './errors.js';
import { lineageOf, lineageQuery, parseHistory, type Lineage, type Timelines } from './lineage.js';
import { addressText, type Address } from './quoting.js';
import { Session } from './sql.js';

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

function notWriter(source: Address): TheodoraError {
  const text = `the database server at ${addressText(source)}, is no writer`;
  return postgresError('POSTGRES_SOURCE_NOT_WRITER', text, 'Take the writer, once it has been promoted', {
    fields: { ...source },
  });
}

/** @throws TheodoraError POSTGRES_SOURCE_NOT_WRITER, POSTGRES_UNREACHABLE, POSTGRES_QUERY_FAILED. */
export async function lineageAt(source: Address, password: string): Promise<Lineage> {
  const rows = await atWriter(source, password, (session) => session.query(lineageQuery));
  if (rows === null) throw notWriter(source);
  return lineageOf(rows);
}

/**
 * Makes a writer ready to be rewound from: pg_rewind compares with the last checkpoint, and right after a promotion that is
 * still one from before it. @throws as lineageAt.
 */
export async function prepareSource(source: Address, password: string): Promise<Lineage> {
  const rows = await atWriter(source, password, async (session) => {
    await session.query('CHECKPOINT', [], checkpointTimeoutMs);
    return session.query(lineageQuery);
  });
  if (rows === null) throw notWriter(source);
  return lineageOf(rows);
}

/** Null: it does not answer, or is no writer. */
export async function timelinesOf(source: Address, password: string): Promise<Timelines | null> {
  try {
    return await atWriter(source, password, async (session) => {
      const [row] = await session.query('SELECT pg_walfile_name(pg_current_wal_lsn()) AS file');
      const name = String(row?.['file']).slice(0, 8);
      const last = Number.parseInt(name, 16);
      if (last === 1) return { last, ends: new Map() };
      const [history] = await session.query(`SELECT convert_from(pg_read_binary_file($1), 'UTF8') AS text`, [
        `pg_wal/${name}.history`,
      ]);
      return { last, ends: parseHistory(String(history?.['text'])) };
    });
  } catch {
    // Asked again until the time is over; the receiver's own complaints are in the log.
    return null;
  }
}
