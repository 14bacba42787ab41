/** Wrong CHECKPOINTs, rotten parts of states and bodies, and a STATUS that says anything. */
import { digest, sequenceNumber, viewNumber, type Prng, type ReplicaId } from '../../base/index.js';
import { encodeCheckpointBody } from '../../codec/index.js';
import type { CheckpointCertificate, PeerMessage, StateNodePart, StateNodes } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';

const rotten = digest('ef'.repeat(32));

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));

/** Roots, lists or pages that are not the certified ones, of absurd size, in the wrong place, held back, or denied. */
function liedState(
  random: Prng,
  message: StateNodes,
  newest: CheckpointCertificate | null,
): readonly PeerMessage[] {
  const { parts, sequenceNumber: asked } = message;
  const changed = (change: (part: StateNodePart) => StateNodePart): readonly PeerMessage[] => [
    { ...message, parts: parts.map((part) => (random.chance(1, 2) ? change(part) : part)) },
  ];
  switch (random.below(6)) {
    case 0:
      return changed((part) => ({ ...part, data: flipped(part.data) }));
    case 1:
      return changed((part) => ({ ...part, totalBytes: part.totalBytes + 2 ** random.between(0, 40) }));
    case 2:
      return changed((part) => ({ ...part, data: part.data.subarray(0, 1), totalBytes: part.offset + 1 }));
    case 3:
      return changed((part) => ({ ...random.pick(parts), offset: part.offset }));
    case 4:
      return newest === null ? [] : [{ kind: 'stateGone', sequenceNumber: asked, certificate: newest }];
    default:
      return [];
  }
}

export const falseState: BehaviourFactory = ({ random, replica, world }) => {
  let newest: CheckpointCertificate | null = null;
  const toPeer = (_to: ReplicaId, message: PeerMessage): readonly PeerMessage[] => {
    if (message.kind === 'stableCheckpoint') newest = message.certificate;
    if (random.chance(1, 3)) return [message];
    switch (message.kind) {
      case 'checkpoint': {
        const content = { sequenceNumber: message.sequenceNumber, stateDigest: rotten };
        const signature = world.authenticators[replica]!.sign('checkpoint', encodeCheckpointBody(content));
        return [{ ...message, ...content, signature }];
      }
      case 'stateNodes':
        return liedState(random, message, newest);
      case 'batchBody':
        return [{ ...message, batch: flipped(message.batch) }];
      case 'status':
        return [
          {
            ...message,
            view: viewNumber(random.below(message.view + 2)),
            lastExecuted: sequenceNumber(random.below(2 * message.lastExecuted + 1)),
            stableCheckpoint: sequenceNumber(random.below(message.stableCheckpoint + 1)),
            isObserver: random.chance(1, 2),
          },
        ];
      case 'stateGone':
        return random.chance(1, 2)
          ? []
          : [{ ...message, certificate: { ...message.certificate, signatures: [] } }];
      default:
        return [message];
    }
  };
  return { toPeer };
};
