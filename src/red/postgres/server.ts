/**
 * The PostgreSQL server of one database replica, under our control. It always starts as copier, with the gate closed
 * (configuration.ts); `promote` alone makes it writer. It decides nothing: who is writer, whom commits wait for and whom it
 * follows is said by the agent. Its calls are dealt with one after the other, but for questions and stops: a stop does not
 * wait, and what was asked for before it fails with POSTGRES_STOPPED.
 */
import { superuser, type StandingSettings } from './configuration.js';
import { clone, rewind } from './copy.js';
import { lastLines, postgresError, withLog } from './errors.js';
import { readTail, writeAtomically } from './files.js';
import { Gate } from './gate.js';
import { configurationFile, initialise } from './initialise.js';
import { checkUser, findInstallation, type Installation } from './installation.js';
import { Layout } from './layout.js';
import { DirectoryLock } from './lock.js';
import type { Lsn } from './lsn.js';
import { standbyName } from './names.js';
import { checkOptions, type CheckedOptions, type ServerOptions } from './options.js';
import { copierPart, Part } from './part.js';
import { passfileText, readPassword } from './password.js';
import { checkLineage, isFollowingWithin } from './following.js';
import type { ServerExit } from './postmaster.js';
import { endProcesses } from './processes.js';
import { promote, stopReceiving, untilGateIsClosed } from './promotion.js';
import { addressText, type Address } from './quoting.js';
import * as replication from './replication.js';
import type { Standby } from './replication.js';
import { Runner } from './runner.js';
import { Sql } from './sql.js';
import { becomeStandby } from './starting.js';

interface Parts {
  readonly options: CheckedOptions;
  readonly installation: Installation;
  readonly layout: Layout;
  readonly password: string;
  readonly lock: DirectoryLock;
}

export interface CopyOptions {
  /** Ends it. A clone that is ended leaves what data there were; a rewind may leave none. */
  readonly signal?: AbortSignal | undefined;
}

export class PostgresServer {
  /** Of the server's database: for statements of the superuser. */
  readonly sql: Sql;
  readonly #parts: Parts;
  readonly #part: Part;
  readonly #gate: Gate;
  readonly #runner: Runner;
  #lastTurn: Promise<void> = Promise.resolve();

  private constructor(parts: Parts) {
    const { options, layout } = parts;
    const { name, listen, walKeepMb } = options;
    const { socketDirectory, passfile } = layout;
    const standing: StandingSettings = { name, listen, socketDirectory, passfile, walKeepMb };
    this.#parts = parts;
    this.sql = new Sql({ host: socketDirectory, port: listen.port, user: superuser, database: 'postgres' });
    this.#part = new Part(standing, layout.inData(configurationFile), this.sql);
    this.#gate = new Gate(this.sql, this.#part);
    this.#runner = new Runner(parts.installation, layout, this.sql);
  }

  /**
   * Makes ready to start: ends a server that an earlier agent left behind, and what that left half done.
   * @throws InvalidInputError POSTGRES_IS_ROOT, POSTGRES_NOT_FOUND, POSTGRES_DIRECTORY_IN_USE and the like; TheodoraError POSTGRES_UNKILLABLE.
   */
  static async open(given: ServerOptions): Promise<PostgresServer> {
    checkUser();
    const options = checkOptions(given);
    const layout = new Layout(options.directory, options.listen.port);
    const password = await readPassword(options.passwordFile);
    const installation = await findInstallation(options.binDir);
    await layout.make();
    const lock = await DirectoryLock.take(layout.lock);
    try {
      await endProcesses(layout.data);
      await layout.prepare();
      await writeAtomically(layout.passfile, passfileText(password));
    } catch (error) {
      lock.release();
      throw error;
    }
    return new PostgresServer({ options, layout, password, installation, lock });
  }

  get isRunning(): boolean {
    return this.#runner.isRunning;
  }

  /** Where the superuser's socket is, for people: `psql -h … -U postgres`. */
  get socketDirectory(): string {
    return this.#parts.layout.socketDirectory;
  }

  /** Whether there are data to start from; if not: `initialise` or `cloneFrom`. */
  hasData(): Promise<boolean> {
    return this.#parts.layout.hasData();
  }

  /** The first data of a new database. @throws TheodoraError POSTGRES_DATA_PRESENT, POSTGRES_COMMAND_FAILED. */
  initialise({ signal }: CopyOptions = {}): Promise<void> {
    return this.#inTurn(() => this.#initialise(signal));
  }

  async #initialise(signal?: AbortSignal): Promise<void> {
    this.#mustNotRun();
    const { installation, layout, options, password } = this.#parts;
    if (await this.hasData()) {
      const text = `${layout.data}: there are data already`;
      throw postgresError('POSTGRES_DATA_PRESENT', text, 'Move them away if they are really to be given up');
    }
    await initialise(installation, layout, { database: options.database, password, signal });
  }

  /** A copy of another server's data in place of ours, which stay until it is complete. @throws as clone. */
  cloneFrom(source: Address, { signal }: CopyOptions = {}): Promise<void> {
    return this.#inTurn(async () => {
      this.#mustNotRun();
      await clone(this.#parts.installation, this.#parts.layout, source, signal);
    });
  }

  /**
   * Takes back what our data have and the writer's have not; the next start is to be with it. False: it cannot; clone
   * instead. @throws as rewind.
   */
  rewindFrom(source: Address, { signal }: CopyOptions = {}): Promise<boolean> {
    return this.#inTurn(async () => {
      this.#mustNotRun();
      const { installation, layout, password } = this.#parts;
      return rewind(installation, layout, source, { password, signal });
    });
  }

  /**
   * Starts it as copier of that writer, or of nobody yet; resolves once it can be asked. `onExit` is called when it ends,
   * whether we wanted that or not.
   * @throws TheodoraError POSTGRES_DATA_MISSING, POSTGRES_START_FAILED (nothing of it runs then); as follow (then it runs,
   * and follows nobody).
   */
  startAsCopier(
    follows: Address | null,
    onExit: (exit: ServerExit) => void = () => undefined,
  ): Promise<void> {
    return this.#inTurn((stops) => this.#startAsCopier(stops, follows, onExit));
  }

  async #startAsCopier(
    stops: number,
    follows: Address | null,
    onExit: (exit: ServerExit) => void,
  ): Promise<void> {
    this.#mustNotRun();
    const { layout, options } = this.#parts;
    if (!(await this.hasData())) {
      const text = `${layout.data}: there are no data, or a rewind of them was interrupted`;
      throw postgresError('POSTGRES_DATA_MISSING', text, 'Clone the writer; a new database is initialised');
    }
    const rewoundFrom = await layout.rewoundFrom();
    if (rewoundFrom !== null && (follows === null || rewoundFrom !== addressText(follows))) {
      const text = `${layout.data}: the data were rewound to those of ${rewoundFrom}, and start only with them`;
      throw postgresError('POSTGRES_DATA_MISSING', text, 'Clone the writer');
    }
    await this.#part.write({ ...copierPart, follows: rewoundFrom === null ? null : follows });
    await becomeStandby(layout);
    const prepare = async (): Promise<void> => {
      await untilGateIsClosed(this.sql, options.changeTimeoutMs);
      await replication.dropSlots(this.sql);
      await layout.completeRewind();
    };
    await this.#runner.start(stops, options.startTimeoutMs, prepare, onExit);
    if (follows !== null && rewoundFrom === null) await this.#follow(follows);
  }

  /**
   * Receives from another writer, or from nobody. Resolves once it receives from the old one no more.
   * @throws TheodoraError POSTGRES_DATA_PARTED: rewind or clone, it then follows nobody; POSTGRES_SOURCE_NOT_WRITER,
   * POSTGRES_UNREACHABLE: ask again later.
   */
  follow(writer: Address | null): Promise<void> {
    return this.#inTurn(() => this.#follow(writer));
  }

  async #follow(writer: Address | null): Promise<void> {
    const { changeTimeoutMs } = this.#parts.options;
    await this.#guarded(async () => {
      await stopReceiving(this.sql, this.#part, changeTimeoutMs);
      if (writer === null) return;
      await checkLineage(this.sql, this.#parts.layout, writer, this.#parts.password, changeTimeoutMs);
      await this.#part.apply({ follows: writer }, changeTimeoutMs);
    });
  }

  /**
   * Whether it gets what the writer writes. False: the writer is out of reach, or the data have parted, and a rewind or a
   * clone is due.
   */
  async isFollowingWithin(timeoutMs: number): Promise<boolean> {
    const { follows } = this.#part.settings;
    if (follows === null) return false;
    const { layout, password } = this.#parts;
    return this.#guarded(() => isFollowingWithin(this.sql, layout, follows, password, timeoutMs));
  }

  /**
   * Makes the copier writer; every commit waits for all of `synchronous`, ids of other replicas.
   * @throws TheodoraError POSTGRES_NOT_COPIER, POSTGRES_NOT_PROMOTED, POSTGRES_TIMEOUT; stop the server then.
   */
  async promote(token: bigint, synchronous: readonly string[]): Promise<void> {
    const names = this.#namesOf(synchronous);
    await this.#inTurn(() =>
      this.#guarded(async () => {
        const { options, layout } = this.#parts;
        await promote(this.sql, this.#part, layout, { token, synchronous: names }, options.changeTimeoutMs);
        this.#gate.wasOpenedFor(names);
      }),
    );
  }

  /** Lets a replica receive from this writer; commits do not wait for it. */
  async admit(id: string): Promise<void> {
    await this.#guarded(() => replication.ensureSlot(this.sql, standbyName(id)));
  }

  /** Keeps no log for a replica any more, unless it is connected. */
  async dismiss(id: string): Promise<void> {
    await this.#guarded(() => replication.dropSlots(this.sql, standbyName(id)));
  }

  /**
   * Commits wait for all of these replicas from now on. Once it resolves, no commit is acknowledged that one of them lacks;
   * earlier ones a new member may lack until `waitForStandby(id, currentLsn())`. If it fails, commits may wait for ever.
   */
  async setSynchronous(ids: readonly string[]): Promise<void> {
    const names = this.#namesOf(ids);
    await this.#inTurn(() =>
      this.#guarded(async () => {
        for (const name of names) await replication.ensureSlot(this.sql, name);
        await this.#gate.set(names, this.#parts.options.changeTimeoutMs);
      }),
    );
  }

  /** Who receives from this server. */
  standbys(): Promise<Standby[]> {
    return this.#guarded(() => replication.standbys(this.sql));
  }

  /** Resolves once that replica has the log up to there on its disk. @throws TheodoraError POSTGRES_TIMEOUT. */
  waitForStandby(id: string, lsn: Lsn, timeoutMs: number): Promise<void> {
    return this.#guarded(() => replication.waitForStandby(this.sql, standbyName(id), lsn, timeoutMs));
  }

  currentLsn(): Promise<Lsn> {
    return this.#guarded(() => replication.currentLsn(this.sql));
  }

  lagBytes(): Promise<number | null> {
    return this.#guarded(() => replication.lagBytes(this.sql));
  }

  isInRecovery(): Promise<boolean> {
    return this.#guarded(() => replication.isInRecovery(this.sql));
  }

  /** Ends it in order, so that a rewind need not replay its log; at once if that takes longer. */
  stop(timeoutMs = 10_000): Promise<void> {
    return this.#runner.stop(timeoutMs);
  }

  /** Resolves once no process of the server lives, at the latest half a second later but for the system's own delays. */
  stopNow(): Promise<void> {
    return this.#runner.stopNow();
  }

  /** Stops it as stopNow; another agent may then open its directory. */
  async close(): Promise<void> {
    await this.stopNow();
    this.#parts.lock.release();
  }

  /** Each member once, and never oneself: nobody waits for himself. */
  #namesOf(ids: readonly string[]): string[] {
    return [...new Set(ids.map(standbyName))].filter((name) => name !== this.#parts.options.name);
  }

  /** One after the other; a stop makes void what was asked for before it, lest it be done to a server started later. */
  #inTurn<T>(action: (stops: number) => Promise<T>): Promise<T> {
    const { stops } = this.#runner;
    const result = this.#lastTurn.then(() => {
      this.#runner.checkStops(stops);
      return action(stops);
    });
    this.#lastTurn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  #mustNotRun(): void {
    if (!this.isRunning) return;
    throw postgresError('POSTGRES_RUNNING', 'the database server is running', 'Stop it first');
  }

  /** Adds what PostgreSQL said itself. */
  async #guarded<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw withLog(error, lastLines(await readTail(this.#parts.layout.log)));
    }
  }
}
