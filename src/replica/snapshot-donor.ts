/**
 * Gives the admin's clients what they fetch of the newest stable checkpoint, for backups. As for peers (ordering/donate.ts)
 * a request costs what it sends, all go by one byte budget that leaves room for ordering, and a state stays held while
 * it is asked for. Reads what the core holds and changes nothing there.
 */
import { assert, proofsOf, type HashFunction, type PageProofs, type SequenceNumber } from '../base/index.js';
import {
  rootsOf,
  stateNodesMax,
  type CheckpointCertificate,
  type FetchSnapshot,
  type SnapshotNodes,
} from '../codec/index.js';
import {
  createDonations,
  defaultOrderingConfig,
  refill,
  takeParts,
  type StateToSave,
} from '../ordering/index.js';

export interface SnapshotDonorPorts {
  readonly hash: HashFunction;
  nowMs(): number;
  /** Batches executed, to tell whether the replica is busy. */
  executed(): number;
  stableState(): StateToSave | null;
  /** Calls `task` after about this time in a turn of the replica. */
  later(task: () => void, delayMs: number): void;
}

type Send = (answer: SnapshotNodes) => void;

interface Held {
  readonly certificate: CheckpointCertificate;
  readonly roots: Uint8Array;
  readonly proofs: readonly [PageProofs, PageProofs];
  lastAskedMs: number;
}

interface Waiting {
  readonly request: FetchSnapshot;
  readonly held: Held;
  readonly send: Send;
}

const idleMs = 5_000;
/** Several admins, or one that goes on with an old state while another begins. */
const heldMax = 2;
/** Further requests are dropped: who asks waits for the answer before he asks again. */
const waitingMax = 64;
const intervalMs = 10;
const busyMs = 100;
const busyShare = 1 / 4;
const { stateChunkBytes, stateBytesPerSecond } = defaultOrderingConfig;

export class SnapshotDonor {
  readonly #ports: SnapshotDonorPorts;
  readonly #held = new Map<SequenceNumber, Held>();
  readonly #donations = createDonations();
  #waiting: Waiting[] = [];
  /** When the next turn that was asked for comes; one that was lost is made up for by the next request. */
  #serveAtMs = -Infinity;
  #letGoAtMs = -Infinity;
  #lastExecuted = -1;
  #lastExecutionMs = -Infinity;

  constructor(ports: SnapshotDonorPorts) {
    this.#ports = ports;
  }

  /** States that are kept for who asks for them. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** In a turn of the replica. The answer may come later; none comes if too many wait, or if there is no state here. */
  take(request: FetchSnapshot, send: Send): void {
    const newest = this.#ports.stableState();
    const asked = request.sequenceNumber;
    const held = this.#hold(asked, newest);
    if (held !== null) {
      if (this.#waiting.length < waitingMax) this.#waiting.push({ request, held, send });
      this.#serve();
    } else if (newest !== null && newest.certificate.sequenceNumber > asked) {
      send({
        kind: 'snapshotNodes',
        requestId: request.requestId,
        certificate: newest.certificate,
        parts: [],
      });
    }
    this.#letGo();
  }

  #hold(asked: SequenceNumber, newest: StateToSave | null): Held | null {
    const isNewest = newest !== null && (asked === 0 || asked === newest.certificate.sequenceNumber);
    const number = isNewest ? newest.certificate.sequenceNumber : asked;
    let held = this.#held.get(number) ?? null;
    if (held === null && isNewest) held = this.#holdNew(newest);
    if (held !== null) held.lastAskedMs = this.#ports.nowMs();
    return held;
  }

  #holdNew({ certificate, ordering, application }: StateToSave): Held {
    const { hash } = this.#ports;
    const held: Held = {
      certificate,
      roots: rootsOf(ordering.root, application.root),
      proofs: [proofsOf(ordering, hash), proofsOf(application, hash)],
      lastAskedMs: 0,
    };
    while (this.#held.size >= heldMax) this.#held.delete(this.#idlest());
    this.#held.set(certificate.sequenceNumber, held);
    return held;
  }

  #idlest(): SequenceNumber {
    let idlest: { number: SequenceNumber; atMs: number } | null = null;
    for (const [number, { lastAskedMs: atMs }] of this.#held) {
      if (idlest === null || atMs < idlest.atMs) idlest = { number, atMs };
    }
    assert(idlest !== null, 'a state is held');
    return idlest.number;
  }

  #serve(): void {
    const { nowMs, later } = this.#ports;
    const now = nowMs();
    if (now < this.#serveAtMs) return;
    refill(this.#donations, now, stateBytesPerSecond * (this.#isBusy(now) ? busyShare : 1));
    while (this.#donations.budgetBytes > 0 && this.#waiting.length > 0) this.#answer(this.#waiting.shift()!);
    if (this.#waiting.length === 0) return;
    this.#serveAtMs = now + intervalMs;
    later(() => this.#serve(), intervalMs);
  }

  #letGo(): void {
    const { nowMs, later } = this.#ports;
    const now = nowMs();
    for (const [number, { lastAskedMs }] of this.#held)
      if (now - lastAskedMs >= idleMs) this.#held.delete(number);
    if (this.#held.size === 0 || now < this.#letGoAtMs) return;
    this.#letGoAtMs = now + idleMs;
    later(() => this.#letGo(), idleMs);
  }

  #isBusy(now: number): boolean {
    const executed = this.#ports.executed();
    if (this.#lastExecuted >= 0 && executed !== this.#lastExecuted) this.#lastExecutionMs = now;
    this.#lastExecuted = executed;
    return now - this.#lastExecutionMs < busyMs;
  }

  #answer({ request, held, send }: Waiting): void {
    const { certificate, roots, proofs, lastAskedMs } = held;
    const { sequenceNumber } = certificate;
    const donation = { sequenceNumber, roots, proofs, queue: [...request.nodes], lastAskedMs };
    const parts = takeParts(this.#donations, donation, stateChunkBytes, stateNodesMax);
    send({ kind: 'snapshotNodes', requestId: request.requestId, certificate, parts });
  }
}
