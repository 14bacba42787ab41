/**
 * Simulated storage of one replica: records become durable after a random delay, in order, and one sync covers everything
 * appended before it began (group commit). What a process wrote and did not sync is lost in part or whole when it dies;
 * without a disk (`durability: memory`) so is everything.
 */
import { sequenceNumber, type Prng, type SequenceNumber } from '../base/index.js';
import type { LogRecord } from '../codec/index.js';
import type { SavedState, StateToSave } from '../ordering/index.js';
import type { Remembered, Storage, StorageListener } from '../replica/index.js';
import type { Simulator } from './simulator.js';

export interface StorageProfile {
  readonly syncUsMin: number;
  readonly syncUsMax: number;
  /** False: nothing outlives a process (`durability: memory`). */
  readonly isDurable: boolean;
}

/** A state is written this many times as long as a record. */
const savingFactor = 20;

/** What is durable; outlives the processes that wrote it. */
export class SimulatedDisk {
  #records: readonly LogRecord[] = [];
  #state: SavedState | null = null;

  write(records: readonly LogRecord[]): void {
    this.#records = [...this.#records, ...records];
  }

  save({ certificate, ordering, application }: StateToSave): void {
    this.#state = { certificate, ordering: ordering.pages, application: application.pages };
  }

  truncate(number: SequenceNumber): void {
    this.#records = this.#records.filter(
      (record, index) =>
        ('sequenceNumber' in record && record.sequenceNumber > number) || this.#isStanding(record, index),
    );
  }

  /** Everything, or the saved state alone, is damaged beyond use. */
  damage(what: 'all' | 'state'): void {
    this.#state = null;
    if (what === 'all') this.#records = [];
  }

  get remembered(): Remembered {
    return { records: this.#records, state: this.#state };
  }

  /** A standing record that no later one replaces. */
  #isStanding(record: LogRecord, index: number): boolean {
    const group = standingGroup(record);
    return group !== null && !this.#records.some((other, at) => at > index && standingGroup(other) === group);
  }
}

function standingGroup({ kind }: LogRecord): string | null {
  if (kind === 'started' || kind === 'voting') return 'life';
  if (kind === 'viewChange' || kind === 'newView') return 'view';
  return kind === 'stableCheckpoint' ? kind : null;
}

export class SimulatedStorage implements Storage {
  readonly #simulator: Simulator;
  readonly #random: Prng;
  readonly #profile: StorageProfile;
  readonly #disk: SimulatedDisk | null;
  #listener: StorageListener | null = null;
  /** Not durable yet, in order. */
  #pending: LogRecord[] = [];
  /** Number of the last record appended. */
  #appended = 0;
  #isUrgent = false;
  #isSyncing = false;
  #isLost = false;

  /** `disk`: null keeps nothing. */
  constructor(simulator: Simulator, random: Prng, profile: StorageProfile, disk: SimulatedDisk | null) {
    this.#simulator = simulator;
    this.#random = random;
    this.#profile = profile;
    this.#disk = disk;
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
  }

  append(recordNumber: number, record: LogRecord, isLazy: boolean): void {
    this.#appended = recordNumber;
    this.#pending.push(record);
    this.#isUrgent ||= !isLazy;
    if (this.#isUrgent && !this.#isSyncing) this.#sync();
  }

  saveState(state: StateToSave): void {
    this.#after(savingFactor * this.#delayUs(), () => {
      this.#disk?.save(state);
      this.#listener?.stateSaved(state.certificate.sequenceNumber);
    });
  }

  truncate(number: SequenceNumber): void {
    this.#disk?.truncate(sequenceNumber(number));
  }

  close(): Promise<void> {
    this.lose();
    return Promise.resolve();
  }

  /** The process is gone, and nothing is reported any more. Of what was not durable a beginning may be, by chance. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#disk?.write(this.#pending.slice(0, this.#random.below(this.#pending.length + 1)));
  }

  #sync(): void {
    this.#isSyncing = true;
    this.#isUrgent = false;
    const [covered, count] = [this.#appended, this.#pending.length];
    this.#after(this.#delayUs(), () => {
      this.#isSyncing = false;
      this.#disk?.write(this.#pending.splice(0, count));
      if (this.#isUrgent) this.#sync();
      this.#listener?.stored(covered);
    });
  }

  #delayUs(): number {
    return this.#random.between(this.#profile.syncUsMin, this.#profile.syncUsMax);
  }

  #after(delayUs: number, action: () => void): void {
    this.#simulator.schedule(delayUs, () => {
      if (!this.#isLost) action();
    });
  }
}

/** The storage of one process, and its end. */
export interface ProcessStorage {
  readonly storage: Storage;
  lose(): void;
}

/** Deliberate bugs in what replicas store and remember. */
export interface StorageTampering {
  readonly storage?: (storage: Storage, simulator: Simulator) => Storage;
  /** What a replica reads in place of what lies on its disk. */
  readonly remembered?: (remembered: Remembered) => Remembered;
}

export function processStorage(
  simulator: Simulator,
  random: Prng,
  profile: StorageProfile,
  disk: SimulatedDisk | null,
  tampering: StorageTampering = {},
): ProcessStorage {
  const own = new SimulatedStorage(simulator, random, profile, disk);
  return { storage: tampering.storage?.(own, simulator) ?? own, lose: () => own.lose() };
}

export function rememberedOf(disk: SimulatedDisk | null, tampering: StorageTampering = {}): Remembered {
  const remembered = disk?.remembered ?? { records: [], state: null };
  return tampering.remembered?.(remembered) ?? remembered;
}
