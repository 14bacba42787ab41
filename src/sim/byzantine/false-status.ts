/** A STATUS that says anything: behind, ahead, in another view, an observer, served too slowly. */
import { sequenceNumber, viewNumber } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

export const falseStatus: BehaviourFactory = ({ random }) => {
  const upTo = (number: number): number => random.below(Math.min(number, Number.MAX_SAFE_INTEGER - 1) + 1);
  return {
    toPeer: (_to, message) => {
      if (message.kind !== 'status' || random.chance(1, 3)) return [message];
      return [
        {
          ...message,
          view: viewNumber(upTo(message.view + 1)),
          lastExecuted: sequenceNumber(upTo(2 * message.lastExecuted)),
          stableCheckpoint: sequenceNumber(upTo(message.stableCheckpoint)),
          isObserver: random.chance(1, 2),
          findsPrimarySlow: random.chance(1, 2),
        },
      ];
    },
  };
};
