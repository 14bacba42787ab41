/**
 * A Byzantine replica: the real one, whose outputs are changed on their way out by one or more behaviours.
 * It holds its own key and no other, so it can sign lies but not forge.
 */
import type { Prng, ReplicaId } from '../../base/index.js';
import type { PeerMessage, ServerMessage } from '../../codec/index.js';
import type { Output } from '../../ordering/index.js';
import type { Surroundings } from '../world-options.js';

/** What a behaviour knows about the replica it spoils. */
export interface Seat {
  readonly replica: ReplicaId;
  readonly peers: readonly ReplicaId[];
  readonly world: Surroundings;
  readonly random: Prng;
}

export interface Behaviour {
  /** The messages that leave for `to` in place of this one. */
  readonly toPeer?: (to: ReplicaId, message: PeerMessage) => readonly PeerMessage[];
  /** Any other output that concerns clients, changed; null drops it. */
  readonly toClients?: (output: ClientOutput) => ClientOutput | null;
}

export type ClientOutput = Extract<
  Output,
  { kind: 'reply' | 'opened' | 'readReply' | 'feedEvent' | 'feedTruncated' }
>;

/** One behaviour a file; each call is a new instance with its own memory. */
export type BehaviourFactory = (seat: Seat) => Behaviour;

export type AnyMessage = PeerMessage | ServerMessage;

/** Applies behaviours, one after the other, to everything that a step gave out. */
export function spoil(
  outputs: readonly Output[],
  peers: readonly ReplicaId[],
  behaviours: readonly Behaviour[],
): readonly Output[] {
  return outputs.flatMap((output): readonly Output[] => {
    switch (output.kind) {
      case 'send':
        return spoilMessage(output.to, output.message, behaviours);
      case 'broadcast':
        return peers.flatMap((peer) => spoilMessage(peer, output.message, behaviours));
      case 'reply':
      case 'opened':
      case 'readReply':
      case 'feedEvent':
      case 'feedTruncated':
        return spoilAnswer(output, behaviours);
      default:
        return [output];
    }
  });
}

function spoilMessage(
  to: ReplicaId,
  message: PeerMessage,
  behaviours: readonly Behaviour[],
): readonly Output[] {
  let messages: readonly PeerMessage[] = [message];
  for (const { toPeer } of behaviours)
    if (toPeer !== undefined) messages = messages.flatMap((one) => toPeer(to, one));
  return messages.map((one) => ({ kind: 'send', to, message: one }));
}

function spoilAnswer(output: ClientOutput, behaviours: readonly Behaviour[]): readonly Output[] {
  let spoilt: ClientOutput | null = output;
  for (const { toClients } of behaviours)
    if (toClients !== undefined && spoilt !== null) spoilt = toClients(spoilt);
  return spoilt === null ? [] : [spoilt];
}
