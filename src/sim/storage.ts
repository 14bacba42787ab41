/**
 * What one simulated replica stores: the very vote log of the real one (replica/storage), on a simulated disk, and a saved
 * state that is replaced as a whole. Outlives the processes that wrote it; without a disk (`durability: memory`) nothing
 * does.
 */
import type { Prng, SequenceNumber } from '../base/index.js';
import type { LogRecord } from '../codec/index.js';
import type { SavedState, StateToSave } from '../ordering/index.js';
import { openVoteLog } from '../replica/index.js';
import type { Remembered, Storage, StorageListener, VoteLog } from '../replica/index.js';
import { randomCrash, SimulatedDisk } from './disk.js';
import type { Simulator } from './simulator.js';

export interface StorageProfile {
  readonly syncUsMin: number;
  readonly syncUsMax: number;
  /** False: nothing outlives a process (`durability: memory`). */
  readonly isDurable: boolean;
  /** Of the vote log; small ones meet everything that happens between two of them. */
  readonly segmentBytes: number;
}

/** A state is written this many times as long as a record. */
const savingFactor = 20;

export class ReplicaDisk {
  readonly #simulator: Simulator;
  readonly #random: Prng;
  readonly #profile: StorageProfile;
  #files: SimulatedDisk;
  #state: SavedState | null = null;
  /** Of the vote log when the state was saved. */
  #position: Uint8Array | null = null;
  #isWiped = false;

  constructor(simulator: Simulator, random: Prng, profile: StorageProfile) {
    this.#simulator = simulator;
    this.#random = random;
    this.#profile = profile;
    const schedule = (delayUs: number, action: () => void): void => simulator.schedule(delayUs, action);
    const latencies = { latencyUsMin: profile.syncUsMin, latencyUsMax: profile.syncUsMax };
    this.#files = new SimulatedDisk('votes', schedule, random, latencies);
  }

  /** As a process that starts finds it. */
  open(): { readonly own: DiskStorage; readonly remembered: Remembered; readonly isWiped: boolean } {
    const newLogId = Uint8Array.from({ length: 16 }, () => this.#random.below(256));
    const { segmentBytes } = this.#profile;
    const settings = { segmentBytesMax: segmentBytes, segmentBytesWorthwhile: segmentBytes / 4 };
    const options = { expectAtLeast: this.#position, newLogId, settings };
    const { log, records } = openVoteLog(this.#files, options);
    const own = new DiskStorage(this.#simulator, log, this);
    const isWiped = this.#isWiped && records.length === 0;
    return { own, remembered: { records, state: this.#state }, isWiped };
  }

  savingDelayUs(): number {
    return savingFactor * this.#random.between(this.#profile.syncUsMin, this.#profile.syncUsMax);
  }

  /** The process is gone, or the machine: of what was under way, or not synced, any part may be there. */
  crash(): void {
    this.#files.abandon();
    const crash = randomCrash(this.#random);
    this.#files = this.#random.chance(1, 2) ? this.#files.afterKill(crash) : this.#files.afterPowerCut(crash);
  }

  /** One bit somewhere in the vote log, which has to be mended. */
  flipBit(): void {
    const names = this.#files.list().filter((name) => this.#files.size(name) > 0);
    if (names.length === 0) return;
    const name = this.#random.pick(names);
    this.#files.flip(name, this.#random.below(this.#files.size(name)), 1 << this.#random.below(8));
  }

  /** Everything, or the saved state alone, is damaged beyond use. */
  damage(what: 'all' | 'state'): void {
    this.#state = null;
    if (what === 'state') return;
    this.#position = null;
    this.#isWiped = true;
    for (const name of this.#files.list()) this.#files.remove(name);
    this.#files.syncNames();
  }

  save({ certificate, ordering, application }: StateToSave, position: Uint8Array): void {
    this.#state = { certificate, ordering: ordering.pages, application: application.pages };
    this.#position = position;
  }
}

/** The storage of one process, and its end. */
export interface ProcessStorage {
  readonly storage: Storage;
  lose(): void;
}

class DiskStorage implements Storage {
  readonly #simulator: Simulator;
  readonly #log: VoteLog;
  readonly #disk: ReplicaDisk;
  #listener: StorageListener | null = null;
  #isLost = false;

  constructor(simulator: Simulator, log: VoteLog, disk: ReplicaDisk) {
    this.#simulator = simulator;
    this.#log = log;
    this.#disk = disk;
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
    this.#log.listen(listener);
  }

  append(recordNumber: number, record: LogRecord, isLazy: boolean): void {
    this.#log.append(recordNumber, record, isLazy);
  }

  saveState(state: StateToSave): void {
    this.#simulator.schedule(this.#disk.savingDelayUs(), () => {
      if (this.#isLost) return;
      this.#disk.save(state, this.#log.position);
      this.#listener?.stateSaved(state.certificate.sequenceNumber);
    });
  }

  truncate(number: SequenceNumber): void {
    this.#log.truncate(number);
  }

  close(): Promise<void> {
    this.lose();
    return Promise.resolve();
  }

  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#disk.crash();
  }
}

/** Tells everything as durable after a while, one sync for all that waits; keeps nothing. */
class VolatileStorage implements Storage {
  readonly #simulator: Simulator;
  readonly #random: Prng;
  readonly #profile: StorageProfile;
  #listener: StorageListener | null = null;
  #appended = 0;
  #isUrgent = false;
  #isSyncing = false;
  #isLost = false;

  constructor(simulator: Simulator, random: Prng, profile: StorageProfile) {
    this.#simulator = simulator;
    this.#random = random;
    this.#profile = profile;
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
  }

  append(recordNumber: number, _record: LogRecord, isLazy: boolean): void {
    this.#appended = recordNumber;
    this.#isUrgent ||= !isLazy;
    if (this.#isUrgent && !this.#isSyncing) this.#sync();
  }

  saveState({ certificate }: StateToSave): void {
    this.#after(() => this.#listener?.stateSaved(certificate.sequenceNumber));
  }

  truncate(): void {
    // Nothing is kept.
  }

  close(): Promise<void> {
    this.lose();
    return Promise.resolve();
  }

  lose(): void {
    this.#isLost = true;
  }

  #sync(): void {
    this.#isSyncing = true;
    this.#isUrgent = false;
    const covered = this.#appended;
    this.#after(() => {
      this.#isSyncing = false;
      if (this.#isUrgent) this.#sync();
      this.#listener?.stored(covered);
    });
  }

  #after(action: () => void): void {
    const delayUs = this.#random.between(this.#profile.syncUsMin, this.#profile.syncUsMax);
    this.#simulator.schedule(delayUs, () => {
      if (!this.#isLost) action();
    });
  }
}

/** Deliberate bugs in what replicas store and remember. */
export interface StorageTampering {
  readonly storage?: (storage: Storage, simulator: Simulator) => Storage;
  /** What a replica reads in place of what lies on its disk. */
  readonly remembered?: (remembered: Remembered) => Remembered;
}

/** What a process finds when it starts, and writes to from then on. */
export interface OpenedStorage extends ProcessStorage {
  readonly remembered: Remembered;
  /** Its vote log is lost, which is not the same as that there never was one. */
  readonly isWiped: boolean;
}

export function openStorage(
  simulator: Simulator,
  random: Prng,
  profile: StorageProfile,
  disk: ReplicaDisk | null,
  tampering: StorageTampering = {},
): OpenedStorage {
  const { own, remembered, isWiped } = disk?.open() ?? {
    own: new VolatileStorage(simulator, random, profile),
    ...nothing,
  };
  return {
    storage: tampering.storage?.(own, simulator) ?? own,
    lose: () => own.lose(),
    remembered: tampering.remembered?.(remembered) ?? remembered,
    isWiped,
  };
}

const nothing = { remembered: { records: [], state: null }, isWiped: true };
