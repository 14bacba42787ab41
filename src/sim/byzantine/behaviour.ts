/**
 * What a Byzantine replica is made of: the real one inside, and behaviours around it that change, drop or hold back what
 * comes in and what goes out, and say more. It holds its own key and no other, so it can sign lies but not forge.
 * Behaviours know nothing of the world they are in: a simulated replica and a real process seat the very same ones. Time
 * is what ticks say. Whatever they keep is bounded.
 */
import type { HashFunction, Prng, ReplicaId } from '../../base/index.js';
import type { PeerMessage } from '../../codec/index.js';
import type { Authenticator, Input, OrderingConfig, OrderingReplica, Output } from '../../ordering/index.js';

/** What a behaviour knows about the replica it spoils, and can do in its name. */
export interface Seat {
  readonly replica: ReplicaId;
  readonly n: number;
  /** All other replicas, ascending. */
  readonly peers: readonly ReplicaId[];
  /** Those of them that are faulty too. */
  readonly friends: readonly ReplicaId[];
  /** Settings that every replica of the cluster has. */
  readonly config: Omit<OrderingConfig, 'id'>;
  readonly random: Prng;
  /** Draws the same at all who conspire, so that they keep to one plan without a word. */
  readonly shared: Prng;
  readonly hash: HashFunction;
  readonly sign: Authenticator['sign'];
  /** The real replica; it believes what the behaviours let it hear. */
  readonly inside: Pick<OrderingReplica, 'status' | 'stableState'>;
}

/** What reaches a replica from others or its clock; the rest is between it and its own disk and threads. */
export type OutsideInput = Extract<
  Input,
  { kind: 'message' | 'envelope' | 'read' | 'attached' | 'follow' | 'tick' }
>;

export type ClientOutput = Extract<
  Output,
  { kind: 'reply' | 'opened' | 'readReply' | 'feedEvent' | 'feedTruncated' }
>;

export type Send = Extract<Output, { kind: 'send' }>;

/** What somebody else gets to hear. */
export type Word = Send | ClientOutput;

export interface Behaviour {
  /** The inputs that the real replica gets in place of this one. Its clock never runs backwards, whatever is said. */
  readonly fromOutside?: (input: OutsideInput) => readonly OutsideInput[];
  /** The messages that leave for `to` in place of this one. */
  readonly toPeer?: (to: ReplicaId, message: PeerMessage) => readonly PeerMessage[];
  /** What leaves for clients in place of this output. */
  readonly toClients?: (output: ClientOutput) => readonly ClientOutput[];
  /** What it says besides, after each input; `nowMs` is what the last tick showed. */
  readonly besides?: (nowMs: number) => readonly Word[];
  /** The frames that leave for `to` in place of this encoded message. */
  readonly toWire?: (to: ReplicaId, bytes: Uint8Array) => readonly Uint8Array[];
}

/** One behaviour a file; each call is a new instance with its own memory. */
export type BehaviourFactory = (seat: Seat) => Behaviour;

/** Makes room for one more: the oldest go. */
export function forgetBeyond(kept: Map<unknown, unknown> | Set<unknown>, max: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= max) return;
    kept.delete(key);
  }
}
