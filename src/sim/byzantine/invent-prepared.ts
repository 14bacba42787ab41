/** VIEW-CHANGEs that claim to have prepared, in the last view, digests that nobody proposed, up to beyond the last batch. */
import { digest, sequenceNumber, viewNumber } from '../../base/index.js';
import type { ViewChange, ViewEntry } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { signedViewChange } from './signed.js';

const invented = digest('ce'.repeat(32));
const beyond = 3;

export const inventPrepared: BehaviourFactory = (seat) => {
  const { replica, config } = seat;
  function lie(message: ViewChange): ViewChange {
    const low = message.checkpoint.sequenceNumber;
    const last = message.prePrepared.at(-1)?.sequenceNumber ?? low;
    const end = Math.min(last + beyond, low + config.watermarkWindow);
    const claims: ViewEntry[] = [];
    for (let number = low + 1; number <= end; number++)
      claims.push({
        sequenceNumber: sequenceNumber(number),
        view: viewNumber(message.view - 1),
        digest: invented,
      });
    return signedViewChange(seat, { ...message, prepared: claims, prePrepared: claims });
  }
  return {
    toPeer: (_to, message) =>
      message.kind === 'viewChange' && message.replica === replica ? [lie(message)] : [message],
  };
};
