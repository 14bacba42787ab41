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
    // Another behaviour may have made anything of it before.
    const low = Math.max(1, message.sequenceNumber);
    const high = Math.min(low + config.watermarkWindow, Number.MAX_SAFE_INTEGER - farthest);
    const elsewhere = Array.from({ length: copies }, () => ({
      ...message,
      sequenceNumber: sequenceNumber(
        random.chance(1, 4) ? 1 + random.below(low) : high + random.below(farthest),
      ),
    }));
    return [message, ...elsewhere];
  },
});
