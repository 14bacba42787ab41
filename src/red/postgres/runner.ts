/** Starts and stops the server's processes; a stop may come at any time, even while it starts. */
import { postgresError } from './errors.js';
import { sessionProbe, untilSilent } from './health.js';
import type { Installation } from './installation.js';
import type { Layout } from './layout.js';
import { Postmaster, type ServerExit } from './postmaster.js';
import { endProcesses } from './processes.js';
import type { Sql } from './sql.js';
import { startFailure, untilAnswering } from './starting.js';

export class Runner {
  readonly #installation: Installation;
  readonly #layout: Layout;
  readonly #sql: Sql;
  #postmaster: Postmaster | null = null;
  /** What was asked for when the number was another is void. */
  #stops = 0;

  constructor(installation: Installation, layout: Layout, sql: Sql) {
    this.#installation = installation;
    this.#layout = layout;
    this.#sql = sql;
  }

  get isRunning(): boolean {
    return this.#postmaster?.isRunning ?? false;
  }

  /** How often it was told to stop. */
  get stops(): number {
    return this.#stops;
  }

  /** @throws TheodoraError POSTGRES_STOPPED if it was told to stop since there were so many. */
  checkStops(stops: number): void {
    if (stops === this.#stops) return;
    const text = 'the database server was stopped before this was done';
    throw postgresError(
      'POSTGRES_STOPPED',
      text,
      'None is needed if it was meant to be stopped; else ask again',
    );
  }

  /** `prepare` is done once it answers. @throws TheodoraError POSTGRES_START_FAILED or POSTGRES_STOPPED: nothing of it runs then. */
  async start(
    stops: number,
    timeoutMs: number,
    prepare: () => Promise<void>,
    onExit: (exit: ServerExit) => void,
  ): Promise<void> {
    const postmaster = await Postmaster.spawn(this.#installation, this.#layout);
    this.#postmaster = postmaster;
    void postmaster.exited.then((exit) => {
      this.#sql.close();
      onExit(exit);
    });
    try {
      this.checkStops(stops);
      await untilAnswering(postmaster, this.#sql, timeoutMs);
      await prepare();
    } catch (cause) {
      const isStopped = stops !== this.#stops;
      await this.stopNow();
      if (isStopped) this.checkStops(stops);
      throw await startFailure(this.#layout, cause);
    }
    void this.#watchHealth(postmaster);
  }

  /** Never rejects. */
  async #watchHealth(postmaster: Postmaster): Promise<void> {
    const ended = new AbortController();
    void postmaster.exited.then(() => ended.abort());
    const { probe, close } = sessionProbe(this.#sql.place);
    try {
      if (await untilSilent(probe, ended.signal)) await postmaster.killSilent();
    } catch {
      // It outlives SIGKILL; the stop that follows says so.
    } finally {
      close();
    }
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stops++;
    this.#sql.close();
    await this.#postmaster?.stopInOrder(timeoutMs);
    await this.stopNow();
  }

  async stopNow(): Promise<void> {
    this.#stops++;
    this.#sql.close();
    if (this.#postmaster === null) await endProcesses(this.#layout.data);
    else await this.#postmaster.stopNow();
  }
}
