/**
 * As new primary, sends a NEW-VIEW that does not follow from its VIEW-CHANGEs: another choice, none at all, too few
 * VIEW-CHANGEs, or one in another's name.
 */
import { digest } from '../../base/index.js';
import { nullBatch } from '../../codec/index.js';
import type { NewView, ViewChange } from '../../codec/index.js';
import { quorumSize } from '../../ordering/index.js';
import { forgetBeyond, type BehaviourFactory, type Seat } from './behaviour.js';
import { signedNewView, signedViewChange } from './signed.js';

const remembered = 64;
const invented = digest('cf'.repeat(32));

const lies = ['no choice', 'null batches', 'invented batches', 'too few', 'forged'] as const;
type Lie = (typeof lies)[number];

export const falseNewView: BehaviourFactory = (seat) => {
  const told = new Map<number, NewView>();
  return {
    toPeer: (_to, message) => {
      if (message.kind !== 'newView' || message.replica !== seat.replica) return [message];
      const known = told.get(message.view) ?? lieAbout(seat, message, seat.random.pick(lies));
      told.set(message.view, known);
      forgetBeyond(told, remembered);
      return [known];
    },
  };
};

function lieAbout(seat: Seat, message: NewView, lie: Lie): NewView {
  const { viewChanges, chosen } = message;
  const chooseAll = (digestOfAll: NewView['chosen'][number]['digest']): NewView =>
    signedNewView(seat, { ...message, chosen: chosen.map((one) => ({ ...one, digest: digestOfAll })) });
  switch (lie) {
    case 'no choice':
      return signedNewView(seat, { ...message, chosen: [] });
    case 'null batches':
      return chooseAll(seat.hash(nullBatch));
    case 'invented batches':
      return chooseAll(invented);
    case 'too few':
      return signedNewView(seat, {
        ...message,
        viewChanges: viewChanges.slice(0, quorumSize(seat.n) - 1),
        chosen: [],
      });
    case 'forged':
      return signedNewView(seat, {
        ...message,
        viewChanges: viewChanges.map((viewChange) => forged(seat, viewChange)),
        chosen: [],
      });
  }
}

/** Says nothing in another's name, under a signature of its own. */
const forged = (seat: Seat, viewChange: ViewChange): ViewChange =>
  signedViewChange(seat, { ...viewChange, prepared: [], prePrepared: [] });
