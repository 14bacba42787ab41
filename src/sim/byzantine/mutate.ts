/**
 * Says a few things a little wrong, to some of those who hear them, and is correct otherwise (ByzzFuzz, OOPSLA'23): bugs of
 * implementations mostly need a small change at the right moment, and hardly anything of what is drawn at random for every message
 * reaches the code behind the first check.
 */
import type { Digest, ReplicaId } from '../../base/index.js';
import type { CheckpointCertificate, PeerMessage } from '../../codec/index.js';
import { forgetBeyond, type BehaviourFactory, type Seat } from './behaviour.js';
import { mutated } from './mutations.js';

const kinds: readonly PeerMessage['kind'][] = [
  ...(['prePrepare', 'prepare', 'commit', 'committed', 'checkpoint', 'viewChange', 'newView'] as const),
  ...(['status', 'stableCheckpoint', 'fetchBatch', 'batchBody', 'stateNodes', 'stateGone'] as const),
  'forward',
];
const remembered = 16;
/** Messages of the kind that are let pass before one is changed. */
const skippedMax = 12;

/** The message of a kind that is to be changed next. */
interface Fault {
  skip: number;
  readonly hearers: ReadonlySet<ReplicaId>;
}

export const mutate: BehaviourFactory = (seat) => {
  const lately = new Lately();
  const faults = new Map(kinds.map((kind) => [kind, draw(seat)]));
  /** A message leaves for one peer after the other. */
  let current: PeerMessage | null = null;
  let changed: PeerMessage | null = null;
  let hearers: ReadonlySet<ReplicaId> = new Set();

  function begin(message: PeerMessage): void {
    current = message;
    hearers = new Set();
    lately.note(message);
    const fault = faults.get(message.kind);
    if (fault === undefined || fault.skip-- > 0) return;
    ({ hearers } = fault);
    changed = mutated(seat, lately, message);
    faults.set(message.kind, draw(seat));
  }

  return {
    fromOutside: (input) => {
      if (input.kind === 'message') lately.note(input.message);
      return [input];
    },
    toPeer: (to, message) => {
      if (message !== current) begin(message);
      if (!hearers.has(to)) return [message];
      return changed === null ? [] : [changed];
    },
  };
};

function draw({ random, peers }: Seat): Fault {
  const hearers = new Set(peers.filter(() => random.chance(1, 2)));
  return { skip: random.below(skippedMax), hearers };
}

/** The last of what was said and heard. */
class Lately {
  readonly #digests = new Set<Digest>();
  readonly #batches = new Set<Uint8Array>();
  readonly #certificates = new Set<CheckpointCertificate>();

  get digests(): readonly Digest[] {
    return [...this.#digests];
  }

  get batches(): readonly Uint8Array[] {
    return [...this.#batches];
  }

  get certificates(): readonly CheckpointCertificate[] {
    return [...this.#certificates];
  }

  note(message: PeerMessage): void {
    if ('digest' in message) keep(this.#digests, message.digest);
    if ('batch' in message) keep(this.#batches, message.batch);
    if (message.kind === 'checkpoint') keep(this.#digests, message.stateDigest);
    if (message.kind === 'viewChange') keep(this.#certificates, message.checkpoint);
    if (message.kind === 'stableCheckpoint') keep(this.#certificates, message.certificate);
  }
}

function keep<T>(kept: Set<T>, value: T): void {
  kept.add(value);
  forgetBeyond(kept, remembered);
}
