/**
 * Changes whom a writer's commits wait for, so that at no moment a commit is acknowledged that a member of the new list
 * may lack. Removing is safe as it is: what has not noticed asks for more. Adding is not: each connection that serves a
 * copier releases commits by the list that it read last, and the checkpointer alone decides whether commits wait at all.
 * So first the gate is closed, until there is evidence that all have noticed:
 * - a commit of our own waits, hence all do;
 * - no copier counts any more, with no connection that serves one.
 * Only then the new list is written; commits stall for some milliseconds. If that fails, the gate stays closed.
 */
import { postgresError } from './errors.js';
import type { Part } from './part.js';
import { isInRecovery } from './replication.js';
import type { Session, Sql } from './sql.js';
import { until } from './wait.js';

export class Gate {
  readonly #sql: Sql;
  readonly #part: Part;
  /** The list in effect at every process; null: unknown. */
  #names: readonly string[] | null = null;

  constructor(sql: Sql, part: Part) {
    this.#sql = sql;
    this.#part = part;
  }

  /** The gate was closed everywhere until this list was written. */
  wasOpenedFor(names: readonly string[]): void {
    this.#names = names;
  }

  /** @throws TheodoraError POSTGRES_NOT_WRITER, POSTGRES_TIMEOUT, POSTGRES_SETTING_REFUSED. */
  async set(names: readonly string[], timeoutMs: number): Promise<void> {
    if (await isInRecovery(this.#sql)) {
      const text = 'this database server is a copier, so nothing is committed that could wait';
      throw postgresError('POSTGRES_NOT_WRITER', text, 'Ask the writer');
    }
    const before = this.#names;
    const isRemoval = before !== null && names.every((name) => before.includes(name));
    this.#names = null;
    if (!isRemoval) {
      await this.#part.apply({ synchronous: 'closed' }, timeoutMs);
      await this.#untilCommitsWait(timeoutMs);
      await until('every connection knows that commits wait', timeoutMs, () => this.#isNobodyCounted());
    }
    await this.#part.apply({ synchronous: names }, timeoutMs);
    this.#names = names;
  }

  async #isNobodyCounted(): Promise<boolean> {
    const counted = await this.#sql.query('SELECT FROM pg_stat_replication WHERE sync_priority > 0');
    return counted.length === 0;
  }

  async #untilCommitsWait(timeoutMs: number): Promise<void> {
    await this.#sql.withSession(async (session) => {
      const [row] = await session.query('SELECT pg_backend_pid() AS pid');
      const pid = row?.['pid'];
      try {
        await until('commits wait', timeoutMs, () => this.#doesCommitWait(session, pid, timeoutMs));
      } finally {
        await this.#sql.query('SELECT pg_terminate_backend($1)', [pid]);
      }
    });
  }

  /** Commits nothing of use, and looks what becomes of it: done, or waiting for those who are to have it. */
  async #doesCommitWait(session: Session, pid: unknown, timeoutMs: number): Promise<boolean> {
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
    };
    session.query(`SELECT pg_logical_emit_message(true, 'red', 'gate')`, [], timeoutMs).then(end, end);
    let isWaiting = false;
    await until('a commit ends or waits', timeoutMs, async () => {
      if (hasEnded) return true;
      const rows = await this.#sql.query(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'`,
        [pid],
      );
      isWaiting = rows.length > 0;
      return isWaiting;
    });
    return isWaiting && !hasEnded;
  }
}
