/**
 * State transfer in the small: replica 1 has nothing, replicas 0, 2 and 3 have the states of checkpoints and give
 * them away. The test decides what becomes of every message on its way.
 */
import { PageTree, replicaId, type PageSnapshot } from '../../src/base/index.js';
import type { CheckpointCertificate, PeerMessage, StateNodes } from '../../src/codec/index.js';
import type { OrderingConfig } from '../../src/ordering/index.js';
import { Counter } from './counter.js';
import { sha256, type Filter } from './lockstep.js';
import { certificate, checkpoint } from './messages.js';
import { Solo } from './solo.js';

/** A counter with pages beside its own, which the test fills alike at all that have them. */
export class LadenCounter extends Counter {
  readonly tree = new PageTree(sha256);

  constructor() {
    super(sha256);
  }

  override checkpoint(): PageSnapshot {
    this.tree.put(0, super.checkpoint().pages.get(0)!);
    return this.tree.snapshot();
  }

  override restore(pages: ReadonlyMap<number, Uint8Array>): void {
    super.restore(new Map([[0, pages.get(0)!]]));
    this.tree.reset(pages);
  }
}

/** How many of a replica's messages have been carried. */
const carriedOf = new WeakMap<Solo, number>();

/** What a replica has sent since the last call. */
function freshSends(solo: Solo) {
  const sends = solo.of('send');
  const carried = carriedOf.get(solo) ?? 0;
  const fresh = sends.slice(carried > sends.length ? 0 : carried);
  carriedOf.set(solo, sends.length);
  return fresh;
}

/** Carries what concerns a state transfer between a receiver and donors until nothing is under way. */
export function carryState(
  receiver: Solo,
  donors: ReadonlyMap<number, Solo>,
  filter: Filter = ({ message }) => message,
): void {
  const kinds = ['fetchState', 'stateNodes', 'stateGone'];
  for (let isMoving = true; isMoving;) {
    isMoving = false;
    for (const solo of [receiver, ...donors.values()]) {
      for (const { to, message } of freshSends(solo)) {
        const target = solo === receiver ? donors.get(to) : to === receiver.id ? receiver : undefined;
        if (target === undefined || !kinds.includes(message.kind)) continue;
        isMoving = true;
        const carried = filter({ from: replicaId(solo.id), to, message });
        if (carried !== null) target.message(solo.id, carried);
      }
    }
  }
}

const interval = 4;
const donorIds = [0, 2, 3];

/** The receiver asks for what is missing in the state of its own checkpoint 0. */
export class TransferRig {
  readonly receiver: Solo;
  readonly donors: ReadonlyMap<number, Solo>;
  readonly #counters = new Map<number, LadenCounter>();
  filter: Filter = ({ message }) => message;
  /** Answers that arrived, with their donors. */
  readonly received: { readonly from: number; readonly message: StateNodes }[] = [];

  constructor(config: Partial<OrderingConfig> = {}) {
    const make = (id: number): Solo => {
      const counter = new LadenCounter();
      this.#counters.set(id, counter);
      return new Solo({
        id,
        counter,
        config: { checkpointInterval: interval, watermarkWindow: 2 * interval, ...config },
      });
    };
    this.receiver = make(1);
    this.donors = new Map(donorIds.map((id) => [id, make(id)]));
  }

  donor(id: number): Solo {
    return this.donors.get(id)!;
  }

  /** Puts pages into the states, by default of the donors. */
  load(pages: Iterable<readonly [number, Uint8Array | null]>, ids: readonly number[] = donorIds): void {
    for (const [page, bytes] of pages) {
      for (const id of ids) {
        const { tree } = this.#counters.get(id)!;
        if (bytes === null) tree.remove(page);
        else tree.put(page, bytes);
      }
    }
  }

  pages(id: number): ReadonlyMap<number, Uint8Array> {
    return this.#counters.get(id)!.tree.snapshot().pages;
  }

  /** Brings donors to their next checkpoint; its certificate, which they know. */
  advance(ids: readonly number[] = donorIds): CheckpointCertificate {
    let proof: CheckpointCertificate | null = null;
    for (const id of ids) {
      const donor = this.donor(id);
      const { executed } = donor.status;
      donor.fill(executed + 1, executed + interval);
      const stateDigest = donor.stateDigest();
      for (const signer of [0, 2, 3])
        donor.message(signer, checkpoint(signer, executed + interval, stateDigest));
      proof = certificate(executed + interval, stateDigest, [0, 2, 3]);
    }
    return proof!;
  }

  /** The receiver learns of the checkpoint and waits until it may start. */
  aim(proof: CheckpointCertificate): void {
    this.receiver.message(0, { kind: 'stableCheckpoint', certificate: proof });
    this.receiver.tick(200);
  }

  /** Lets time pass in steps of 10 ms and carries what concerns the transfer, until it is done or time is up. */
  run(ms: number): void {
    for (let passed = 0; passed < ms && !this.isDone; passed += 10) {
      this.receiver.tick(10);
      this.carry();
      for (const donor of this.donors.values()) {
        donor.nowMs = this.receiver.nowMs;
        donor.tick(0);
      }
      this.carry();
    }
  }

  get isDone(): boolean {
    return this.events('state-transferred').length > 0;
  }

  events(name: string): Readonly<Record<string, number | string>>[] {
    return this.receiver.of('event').flatMap(({ event, fields }) => (event === name ? [fields] : []));
  }

  /** Carries requests to the donors and answers back, until nothing is under way. */
  carry(): void {
    carryState(this.receiver, this.donors, ({ from, to, message }) => {
      const carried = this.filter({ from, to, message });
      if (carried?.kind === 'stateNodes') this.received.push({ from, message: carried });
      return carried;
    });
  }

  /** To the receiver. */
  deliver(from: number, message: PeerMessage): void {
    if (message.kind === 'stateNodes') this.received.push({ from, message });
    this.receiver.message(from, message);
  }

  /** Numbers of the application's pages that arrived, each time they did. */
  pagesReceived(from?: number): number[] {
    return this.received
      .filter((each) => from === undefined || each.from === from)
      .flatMap(({ message }) => message.parts)
      .flatMap(({ level, section, number, offset }) =>
        level === 'page' && section === 1 && offset === 0 ? [number] : [],
      );
  }
}

/** `count` pages of the application behind the counter's own. */
export const somePages = (count: number, sizeBytes = 40, fill = 1): [number, Uint8Array][] =>
  Array.from({ length: count }, (_, index) => [1 + index, new Uint8Array(sizeBytes).fill(fill + index)]);
