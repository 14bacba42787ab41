/** A STATUS that says anything: behind, ahead, in another view, an observer, served too slowly. */
import { sequenceNumber, viewNumber } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

export const falseStatus: BehaviourFactory = ({ random }) => ({
  toPeer: (_to, message) => {
    if (message.kind !== 'status' || random.chance(1, 3)) return [message];
    return [
      {
        ...message,
        view: viewNumber(random.below(message.view + 2)),
        lastExecuted: sequenceNumber(random.below(2 * message.lastExecuted + 1)),
        stableCheckpoint: sequenceNumber(random.below(message.stableCheckpoint + 1)),
        isObserver: random.chance(1, 2),
        findsPrimarySlow: random.chance(1, 2),
      },
    ];
  },
});
