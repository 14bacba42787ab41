/** Proposes and votes far beyond the high watermark and below the low one as well (pitfall 6). */
import { sequenceNumber } from '../../base/index.js';
import type { PeerMessage } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { isPhase } from './retelling.js';

const farthest = 1_000_000;
const copies = 4;

export const beyondWatermarks: BehaviourFactory = ({ random, config }) => ({
  toPeer: (_to, message): readonly PeerMessage[] => {
    if (!isPhase(message)) return [message];
    const high = message.sequenceNumber + config.watermarkWindow;
    const elsewhere = Array.from({ length: copies }, () => ({
      ...message,
      sequenceNumber: sequenceNumber(
        random.chance(1, 4) ? 1 + random.below(message.sequenceNumber) : high + random.below(farthest),
      ),
    }));
    return [message, ...elsewhere];
  },
});
