/** Asks for ever higher views, with VIEW-CHANGEs that are valid one by one. */
import { viewNumber } from '../../base/index.js';
import type { BehaviourFactory, Word } from './behaviour.js';
import { signedViewChange } from './signed.js';

export const viewChangeSpam: BehaviourFactory = (seat) => {
  const { replica, peers, inside, random } = seat;
  const intervalMs = random.pick([20, 200, 1_000]);
  let askedMs = 0;
  let asked = 0;
  let incarnation = 0;
  return {
    toPeer: (_to, message) => {
      if (message.kind === 'viewChange' && message.replica === replica) incarnation = message.incarnation;
      return [message];
    },
    besides: (nowMs) => {
      const checkpoint = inside.stableState()?.certificate;
      if (nowMs - askedMs < intervalMs || checkpoint === undefined) return [];
      askedMs = nowMs;
      asked = Math.max(asked, inside.status().view) + random.between(1, 3);
      const view = viewNumber(asked);
      const content = { view, replica, incarnation, checkpoint, prepared: [], prePrepared: [] };
      const message = signedViewChange(seat, content);
      return peers.map((to): Word => ({ kind: 'send', to, message }));
    },
  };
};
