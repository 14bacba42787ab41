/** VIEW-CHANGEs that stand at the first checkpoint it ever had, as if nothing had been certified or voted for since. */
import type { CheckpointCertificate } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { signedViewChange } from './signed.js';

export const staleCheckpoint: BehaviourFactory = (seat) => {
  let first: CheckpointCertificate | null = null;
  return {
    fromOutside: (input) => {
      first ??= seat.inside.stableState()?.certificate ?? null;
      return [input];
    },
    toPeer: (_to, message) =>
      message.kind === 'viewChange' && message.replica === seat.replica && first !== null
        ? [signedViewChange(seat, { ...message, checkpoint: first, prepared: [], prePrepared: [] })]
        : [message],
  };
};
