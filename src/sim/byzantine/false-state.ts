/** Rotten parts of states: roots, lists or pages that are not the certified ones, of absurd size, held back, or denied. */
import type { Prng, ReplicaId } from '../../base/index.js';
import type { CheckpointCertificate, PeerMessage, StateNodePart, StateNodes } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));

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

export const falseState: BehaviourFactory = ({ random }) => {
  let newest: CheckpointCertificate | null = null;
  const toPeer = (_to: ReplicaId, message: PeerMessage): readonly PeerMessage[] => {
    if (message.kind === 'stableCheckpoint') newest = message.certificate;
    if (random.chance(1, 3)) return [message];
    switch (message.kind) {
      case 'stateNodes':
        return liedState(random, message, newest);
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
