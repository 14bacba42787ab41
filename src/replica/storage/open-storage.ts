/**
 * What a replica starts with: its vote log and the state it saved, or, where there is no log, only what nobody has voted
 * on yet or what REJOIN permits (DESIGN section 2, Amnesia). A new log begins with the record that says how its first
 * life started; only once that is durable does the marker of a first start go, and only then may the replica act.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInputError, type ReplicaId } from '../../base/index.js';
import { rejoinNonceBytes, type LogRecord } from '../../codec/index.js';
import type { Start } from '../../ordering/index.js';
import { AsyncMark } from './async-mark.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import { DiskStorage } from './disk-storage.js';
import { MemoryStorage } from './memory.js';
import { NodeLogFiles } from './node-log-files.js';
import { openVoteLog, type OpenedVoteLog } from './open-vote-log.js';
import { openPages, type OpenedPages } from './page-loader.js';
import type { Storage } from './port.js';
import { putAside, syncDirectory } from './put-aside.js';
import { genesisMarkerName, takeGenesisMarker } from './start.js';
import type { StorageEvent } from './vote-log-recovery.js';
import type { VoteLog } from './vote-log.js';

export const voteLogDirectoryName = 'votes';

/** What survives: a power cut; a killed process; nothing. */
export type Durability = 'sync' | 'async' | 'memory';

export interface OpenStorageOptions {
  readonly dataDir: string;
  readonly durability: Durability;
  readonly replica: ReplicaId;
  readonly nowMs: number;
  /** The operator says that a vote log that is not there is lost. */
  readonly isRejoining?: boolean;
  /** The operator says that a damaged vote log is to be given up. */
  readonly isRepairing?: boolean;
  /** For tests: instead of the machine's. */
  readonly bootId?: string | null;
}

export interface OpenedStorage {
  readonly storage: Storage;
  /** Once, when nothing can go wrong any more before the replica acts. */
  start(): Start;
  readonly events: readonly StorageEvent[];
  /** Room on disk that it may want soon; null: it wants none. */
  readonly neededBytes: (() => number) | null;
}

const newLife = (nowMs: number): { startedAt: number; nonce: Uint8Array } => ({
  startedAt: nowMs,
  nonce: new Uint8Array(randomBytes(rejoinNonceBytes)),
});

function hasVoteLog(path: string): boolean {
  return existsSync(path) && readdirSync(path).some((name) => name.endsWith('.votes'));
}

function openMemory({ dataDir, nowMs }: OpenStorageOptions): OpenedStorage {
  if (hasVoteLog(join(dataDir, voteLogDirectoryName))) {
    throw new InvalidInputError(
      'DURABILITY_MISMATCH',
      `${dataDir} holds a vote log, which --durability memory would leave behind the votes that are cast. Start with sync or async, or use another data directory.`,
      { path: dataDir },
    );
  }
  const start = (): Start =>
    takeGenesisMarker(dataDir) ? { kind: 'genesis' } : { kind: 'observer', ...newLife(nowMs) };
  return { storage: new MemoryStorage(), start, events: [], neededBytes: null };
}

/** The parts as they are opened, so that a failure half-way closes what is open. */
class Opening {
  readonly events: StorageEvent[] = [];
  readonly #options: OpenStorageOptions;
  readonly #path: string;
  readonly #lock: DirectoryLock;
  readonly #pages: OpenedPages;
  readonly #mark: AsyncMark;
  #log: VoteLog | null = null;

  constructor(options: OpenStorageOptions, lock: DirectoryLock, pages: OpenedPages) {
    this.#options = options;
    this.#path = join(options.dataDir, voteLogDirectoryName);
    this.#lock = lock;
    this.#pages = pages;
    this.#mark = new AsyncMark(options.dataDir, options.bootId);
    this.events.push(...pages.events);
  }

  async open(): Promise<OpenedStorage> {
    const { dataDir, durability, nowMs, replica } = this.#options;
    const hasMarker = existsSync(join(dataDir, genesisMarkerName));
    const isGivenUp = this.#mark.isOfAnotherBoot && (await this.#giveUpUnsure());
    const opened = isGivenUp ? null : await this.#openKnown(hasMarker);
    const { log, records } = opened ?? this.#openLog(null);
    this.#log = log;
    const isGenesis = opened !== null && opened.isNew && hasMarker;
    if (opened === null || opened.isNew) await this.#begin(log, isGenesis ? 'genesis' : 'observer');
    if (durability === 'async') await this.#mark.set();
    // With votes in the log it is an old one, put back; to go by it would repeat the genesis.
    takeGenesisMarker(dataDir);
    if (durability === 'sync') await this.#mark.clear();
    const storage = new DiskStorage({
      replica,
      log,
      pages: this.#pages.store,
      closed: (isClean) => this.#closed(isClean),
    });
    const start = this.#start(records, isGenesis, nowMs);
    const neededBytes = (): number => storage.neededBytes();
    return { storage, start: () => start, events: this.events, neededBytes };
  }

  async abandon(): Promise<void> {
    const log = this.#log;
    if (log !== null) await new Promise<void>((resolve) => log.close(resolve));
    await this.#pages.store.close();
    await this.#lock.release();
  }

  #start(records: readonly LogRecord[], isGenesis: boolean, nowMs: number): Start {
    if (isGenesis) return { kind: 'genesis' };
    const { state } = this.#pages;
    const known: readonly LogRecord[] = records.length > 0 ? records : [{ kind: 'started', as: 'observer' }];
    return { kind: 'recovered', records: known, state, ...newLife(nowMs) };
  }

  /** Null: the log is given up. */
  async #openKnown(hasMarker: boolean): Promise<OpenedVoteLog | null> {
    const { dataDir, isRejoining, isRepairing } = this.#options;
    const isThere = hasVoteLog(this.#path);
    if (!isThere && !hasMarker) {
      if (isRejoining === true) return null;
      throw new InvalidInputError(
        'DATA_DIRECTORY_EMPTY',
        `${dataDir} holds no vote log, so this replica does not know what it has voted for. If the directory is the right one and the log is lost, start with --rejoin.`,
        { path: dataDir },
      );
    }
    try {
      return this.#openLog(this.#pages.position);
    } catch (error) {
      const isDamaged = error instanceof InvalidInputError && error.code === 'VOTE_LOG_DAMAGED';
      if (!isDamaged || isRepairing !== true) throw error;
      await this.#giveUp('vote-log-damaged', error.message);
      return null;
    }
  }

  #openLog(expectAtLeast: Uint8Array | null): OpenedVoteLog {
    const isDurable = this.#options.durability === 'sync';
    const newLogId = new Uint8Array(randomBytes(16));
    const opened = openVoteLog(new NodeLogFiles(this.#path), {
      expectAtLeast,
      newLogId,
      settings: { isDurable },
    });
    this.events.push(...opened.events);
    return opened;
  }

  async #giveUpUnsure(): Promise<true> {
    const damage =
      'the machine went down while the replica ran with --durability async: votes may be missing';
    await this.#giveUp('vote-log-unsure', damage);
    return true;
  }

  async #giveUp(event: string, damage: string): Promise<void> {
    const path = this.#path;
    // Without it there is nothing to keep: an earlier attempt got no further than here.
    const keptAs = existsSync(path) ? await putAside(path) : '';
    const remedy = 'none needed: the replica rejoins, and votes again once the others have let it';
    this.events.push({ event, fields: { path, damage, keptAs, remedy } });
  }

  /** The first record of a log; resolves when it is durable. */
  async #begin(log: VoteLog, as: 'genesis' | 'observer'): Promise<void> {
    // Where another log ended says nothing about this one.
    await this.#pages.store.forgetPosition();
    await new Promise<void>((resolve, reject) => {
      log.listen({ stored: () => resolve(), failed: reject });
      log.append(0, { kind: 'started', as }, false);
    });
  }

  async #closed(isClean: boolean): Promise<void> {
    try {
      if (isClean && this.#options.durability === 'async') await this.#makeDurable();
    } finally {
      await this.#lock.release();
    }
  }

  async #makeDurable(): Promise<void> {
    for (const name of readdirSync(this.#path)) {
      const file = await open(join(this.#path, name), 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await syncDirectory(this.#path);
    await this.#mark.clear();
  }
}

/**
 * @throws InvalidInputError DATA_DIRECTORY_EMPTY, DATA_DIRECTORY_IN_USE, VOTE_LOG_DAMAGED, DURABILITY_MISMATCH,
 * STORAGE_VERSION_UNKNOWN; TheodoraError STORAGE_UNUSABLE, VOTE_LOG_FAILED; the file system's errors. Nothing is left
 * open then.
 */
export async function openStorage(options: OpenStorageOptions): Promise<OpenedStorage> {
  const { dataDir, durability } = options;
  if (durability === 'memory') return openMemory(options);
  const lock = await lockDirectory(dataDir);
  let opening: Opening | null = null;
  try {
    opening = new Opening(options, lock, await openPages(dataDir, durability === 'sync'));
    return await opening.open();
  } catch (error) {
    await (opening === null ? lock.release() : opening.abandon());
    throw error;
  }
}
