/**
 * What a client needs to seal and to open (DESIGN section 7): the replicas' sharing keys, dealings made ahead, and which
 * replicas it has caught lying. Loaded with the first confidential space; without sharing keys there is none.
 */
import type { ClientId, ReplicaId } from '../base/index.js';
import { openConfidentialCluster, prepareSealing, type ConfidentialCluster } from '../confidential/index.js';
import { freshBytes, loadGroup } from '../crypto/index.js';
import type { PreparedDealing, RandomBytes, SharingKeys } from '../crypto/index.js';
import { createDealer, type Dealer } from './seal-jobs.js';

/** A replica that sent what no correct one sends, about this entry of this space. */
export interface ReplicaFault {
  readonly replica: ReplicaId;
  readonly code: 'BAD_SHARE';
  readonly space: string;
  /** 0: the key of the space. */
  readonly entry: bigint;
}

/** Everything about sealing that a simulation makes itself: deterministic there. */
export interface SealPorts {
  openCluster(): Promise<ConfidentialCluster>;
  createDealer(cluster: ConfidentialCluster): Promise<Dealer>;
  readonly random: RandomBytes;
}

export const sealPortsOf = (settings: SharingKeys): SealPorts => ({
  openCluster: async () => openConfidentialCluster(await loadGroup(), settings),
  createDealer: (cluster) => createDealer(settings, cluster),
  random: freshBytes,
});

/** Dealings kept ahead: an insertion seldom waits for one, and after a pause few lie around. */
const preparedAhead = 4;
const faultsKept = 256;

export interface LoadedSeals {
  readonly cluster: ConfidentialCluster;
  readonly random: RandomBytes;
  /** Of this client. */
  readonly inserter: ClientId;
  /**
   * Dealings for one operation, each good for one request. The first was made ahead; another, for an operation that has to
   * go out under another request, takes milliseconds, at once.
   */
  dealings(): Promise<() => PreparedDealing>;
}

export class Seals {
  readonly #ports: SealPorts;
  readonly #inserter: ClientId;
  readonly #distrust: (replica: ReplicaId) => void;
  readonly #faults: ReplicaFault[] = [];
  #loaded: Promise<LoadedSeals> | null = null;
  #dealer: Dealer | null = null;
  #isClosed = false;

  /** `distrust` hears of every liar. */
  constructor(ports: SealPorts, inserter: ClientId, distrust: (replica: ReplicaId) => void) {
    this.#ports = ports;
    this.#inserter = inserter;
    this.#distrust = distrust;
  }

  /** The last of them. */
  get faults(): readonly ReplicaFault[] {
    return this.#faults;
  }

  /** @throws InvalidInputError SHARING_KEY_INVALID. */
  load(): Promise<LoadedSeals> {
    return (this.#loaded ??= this.#load());
  }

  note(space: string, entry: bigint, liars: readonly ReplicaId[]): void {
    for (const replica of liars) {
      this.#faults.push({ replica, code: 'BAD_SHARE', space, entry });
      this.#distrust(replica);
    }
    this.#faults.splice(0, this.#faults.length - faultsKept);
  }

  close(): void {
    this.#isClosed = true;
    this.#dealer?.close();
  }

  async #load(): Promise<LoadedSeals> {
    const { random } = this.#ports;
    const cluster = await this.#ports.openCluster();
    const dealer = await this.#ports.createDealer(cluster);
    this.#dealer = dealer;
    if (this.#isClosed) dealer.close();
    const ahead: Promise<PreparedDealing>[] = [];
    const prepareOne = (): void => {
      const prepared = dealer.prepare();
      // Whoever takes it hears of it.
      prepared.catch(() => undefined);
      ahead.push(prepared);
    };
    const dealings = async (): Promise<() => PreparedDealing> => {
      while (ahead.length <= preparedAhead) prepareOne();
      let first: PreparedDealing | null = await ahead.shift()!;
      return () => {
        const dealing = first ?? prepareSealing(cluster, random);
        first = null;
        return dealing;
      };
    };
    return { cluster, random, inserter: this.#inserter, dealings };
  }
}
