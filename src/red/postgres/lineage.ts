/**
 * Whether the data of a server continue in those of another. PostgreSQL tells histories apart by the number of their
 * timeline, and each promotion takes the next one: so two servers promoted from the same point, one after the other and
 * without knowing of each other, have both the same number, and would be taken for one history, by pg_rewind too.
 *
 * Hence each writer writes its timeline and token into a table before anybody receives from it. A history is that of the
 * writer's own if all its rows are the writer's too and its last timeline has a row. What is not certain counts as parted: a
 * clone mends everything.
 */
import { readdir } from 'node:fs/promises';
import { replicationRole } from './configuration.js';
import { parseLsn, type Lsn } from './lsn.js';
import { quoteName } from './quoting.js';
import type { Row, Session } from './sql.js';

const table = 'public.red_writers';

/** For the first data; the database of the table is `postgres`. */
export const lineageStatements = [
  `CREATE TABLE ${table} (timeline bigint PRIMARY KEY, token text NOT NULL UNIQUE)`,
  `INSERT INTO ${table} VALUES (1, '0')`,
  `GRANT SELECT ON ${table} TO ${quoteName(replicationRole)}`,
];

/** All rows in one value `lineage`, as `timeline:token,…`. */
export const lineageQuery = `SELECT string_agg(timeline || ':' || token, ',' ORDER BY timeline) AS lineage FROM ${table}`;

/** Tokens of writers by their timelines. */
export type Lineage = ReadonlyMap<number, string>;

export function parseLineage(text: string): Lineage {
  const rows = text.split(',').map((row) => row.split(':'));
  return new Map(rows.map(([timeline, token]) => [Number(timeline), token ?? '']));
}

export const lineageOf = ([row]: readonly Row[]): Lineage => parseLineage(String(row?.['lineage'] ?? ''));

/** Right after a promotion. It may not wait for copiers, since none is let in before. */
export async function recordWriter(session: Session, token: bigint): Promise<void> {
  await session.query('SET synchronous_commit = local');
  await session.query(
    `INSERT INTO ${table}
     SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint, $1`,
    [String(token)],
  );
}

/** The last timeline that there is any log of. */
export async function lastTimeline(walDirectory: string): Promise<number> {
  const segments = (await readdir(walDirectory)).filter((name) => /^[0-9A-F]{24}(\.partial)?$/.test(name));
  return Math.max(0, ...segments.map((name) => Number.parseInt(name.slice(0, 8), 16)));
}

/** What is known of a server's own history. */
export interface OwnHistory {
  readonly lineage: Lineage;
  readonly lastTimeline: number;
  /** Of a promotion that may have happened and may not be in the table; null: there is none. */
  readonly pendingToken: string | null;
}

/** Whether all of it is the writer's history too, but for what the same timelines hold at their ends. */
export function continuesIn(own: OwnHistory, writer: Lineage): boolean {
  const tokens = [...writer.values()];
  return (
    own.lineage.has(own.lastTimeline) &&
    [...own.lineage].every(([timeline, token]) => writer.get(timeline) === token) &&
    (own.pendingToken === null || tokens.includes(own.pendingToken))
  );
}

/** Of one server: its timeline, and where each earlier one ends in its history. */
export interface Timelines {
  readonly last: number;
  readonly ends: ReadonlyMap<number, Lsn>;
}

/** A line of a history file is timeline, position and reason, with tabs between. */
export function parseHistory(text: string): ReadonlyMap<number, Lsn> {
  const lines = text.split('\n').flatMap((line): (readonly [number, Lsn])[] => {
    const [, timeline, position] = /^\s*(\d+)\t([0-9A-F]+\/[0-9A-F]+)/.exec(line) ?? [];
    return timeline === undefined || position === undefined ? [] : [[Number(timeline), parseLsn(position)]];
  });
  return new Map(lines);
}

/** Whether who has a timeline up to there has certainly more of it than the other's history. */
export function isPastEnd(timeline: number, position: Lsn, other: Timelines): boolean {
  const end = other.ends.get(timeline);
  return end !== undefined && position > end;
}
