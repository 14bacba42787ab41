/** Vote logs on a real directory and on a simulated disk, driven alike. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest, prng, replicaId, sequenceNumber, viewNumber } from '../../src/base/index.js';
import { encodeLogRecord, encodeNewViewBody } from '../../src/codec/index.js';
import type { LogRecord, StandingRecord } from '../../src/codec/index.js';
import type { LogFiles, OpenedVoteLog, VoteLogSettings } from '../../src/replica/index.js';
import { NodeLogFiles } from '../../src/replica/storage/node-log-files.js';
import { openVoteLog } from '../../src/replica/storage/open-vote-log.js';
import { SimulatedDisk } from '../../src/sim/disk.js';
import { Simulator } from '../../src/sim/simulator.js';

const someDigest = digest('ab'.repeat(32));
const signature = new Uint8Array(64).fill(7);
const newLogId = new Uint8Array(16).fill(0x1d);

export const prePrepared = (number: number, batchBytes = 40): LogRecord => ({
  kind: 'prePrepared',
  view: viewNumber(1),
  sequenceNumber: sequenceNumber(number),
  digest: someDigest,
  batch: new Uint8Array(batchBytes).fill(number),
});
export const prepared = (number: number): LogRecord => ({
  kind: 'prepared',
  view: viewNumber(1),
  sequenceNumber: sequenceNumber(number),
  digest: someDigest,
});
export const executed = (number: number): LogRecord => ({
  kind: 'executed',
  sequenceNumber: sequenceNumber(number),
  digest: someDigest,
  batch: null,
  failedChecks: [],
});
export const started: StandingRecord = { kind: 'started', as: 'observer' };
export const voting: StandingRecord = { kind: 'voting' };
export const viewChange = (view: number): StandingRecord => ({ kind: 'viewChange', view: viewNumber(view) });
export const stableCheckpoint = (number: number): StandingRecord => ({
  kind: 'stableCheckpoint',
  certificate: {
    sequenceNumber: sequenceNumber(number),
    stateDigest: someDigest,
    signatures: [{ replica: replicaId(2), signature }],
  },
});
export function newView(view: number): StandingRecord {
  const body = { view: viewNumber(view), replica: replicaId(0), viewChanges: [], chosen: [] };
  return { kind: 'newView', newView: { kind: 'newView', ...body, body: encodeNewViewBody(body), signature } };
}

/** For comparing many or large records fast. */
export const bytesOf = (records: readonly LogRecord[]): string =>
  records.map((record) => Buffer.from(encodeLogRecord(record)).toString('base64')).join(' ');

/** One life of a log: what was appended in it, and what the log has told. */
export class LogUser {
  readonly opened: OpenedVoteLog;
  readonly appended: LogRecord[] = [];
  readonly failures: unknown[] = [];
  stored = 0;
  /** How often something was told as stored. */
  tellings = 0;
  readonly #place: LogPlace;

  constructor(opened: OpenedVoteLog, place: LogPlace) {
    this.opened = opened;
    this.#place = place;
    opened.log.listen({
      stored: (recordNumber) => {
        this.stored = recordNumber;
        this.tellings++;
        place.wake();
      },
      failed: (error) => {
        this.failures.push(error);
        place.wake();
      },
    });
  }

  put(...records: readonly LogRecord[]): void {
    for (const record of records) this.opened.log.append(this.appended.push(record), record, false);
  }

  putLazily(record: LogRecord): void {
    this.opened.log.append(this.appended.push(record), record, true);
  }

  untilStored(): Promise<void> {
    return this.#place.until(() => this.stored === this.appended.length);
  }

  async store(...records: readonly LogRecord[]): Promise<void> {
    this.put(...records);
    await this.untilStored();
  }

  untilFailed(): Promise<void> {
    return this.#place.until(() => this.failures.length > 0);
  }

  async close(): Promise<void> {
    let isClosed = false;
    this.opened.log.close(() => {
      isClosed = true;
      this.#place.wake();
    });
    await this.#place.until(() => isClosed);
  }
}

export abstract class LogPlace {
  abstract readonly files: LogFiles;
  /** Goes on until the condition holds, which only something told by a log can make hold. */
  abstract until(condition: () => boolean): Promise<void>;
  abstract wake(): void;
  abstract remove(): void;
  /** Makes these the only files. */
  abstract fill(files: ReadonlyMap<string, Uint8Array>): void;

  open(settings: Partial<VoteLogSettings> = {}, expectAtLeast: Uint8Array | null = null): LogUser {
    return new LogUser(openVoteLog(this.files, { expectAtLeast, newLogId, settings }), this);
  }

  /** What another life would find, without changing anything but what opening changes. */
  async remembered(settings: Partial<VoteLogSettings> = {}): Promise<readonly LogRecord[]> {
    const user = this.open(settings);
    await user.close();
    return user.opened.records;
  }

  contents(): Map<string, Uint8Array> {
    const { files } = this;
    const names = files.list().sort();
    return new Map(names.map((name) => [name, Uint8Array.from(files.read(name, 0, files.size(name)))]));
  }

  sizeBytes(): number {
    return this.files.list().reduce((sum, name) => sum + this.files.size(name), 0);
  }
}

export class RealPlace extends LogPlace {
  readonly files: NodeLogFiles;
  readonly #directory = mkdtempSync(join(tmpdir(), 'theodora-votes-'));
  #wake: (() => void) | null = null;

  constructor() {
    super();
    this.files = new NodeLogFiles(join(this.#directory, 'votes'));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    this.#wake?.();
  }

  fill(files: ReadonlyMap<string, Uint8Array>): void {
    const { directory } = this.files;
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory)) if (!files.has(name)) rmSync(join(directory, name));
    for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export class SimulatedPlace extends LogPlace {
  readonly simulator: Simulator;
  files: SimulatedDisk;

  constructor(simulator = new Simulator(), files?: SimulatedDisk) {
    super();
    this.simulator = simulator;
    this.files = files ?? this.#newDisk();
  }

  #newDisk(): SimulatedDisk {
    const profile = { latencyUsMin: 100, latencyUsMax: 900 };
    const schedule = (delayUs: number, action: () => void): void => this.simulator.schedule(delayUs, action);
    return new SimulatedDisk('votes', schedule, prng(7), profile);
  }

  /** Nothing is left to happen. */
  idle(): void {
    while (this.step());
  }

  /** The next event; false if there is none. */
  step(): boolean {
    return this.simulator.stepUntil(Number.MAX_SAFE_INTEGER);
  }

  until(condition: () => boolean): Promise<void> {
    while (!condition()) if (!this.step()) throw new Error('nothing happens any more');
    return Promise.resolve();
  }

  fill(files: ReadonlyMap<string, Uint8Array>): void {
    this.files = this.#newDisk();
    for (const [name, bytes] of files) this.files.place(name, bytes);
  }

  wake(): void {
    // `until` looks after every event.
  }

  remove(): void {
    // It is only memory.
  }
}
