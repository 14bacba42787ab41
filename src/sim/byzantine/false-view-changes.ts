/** VIEW-CHANGEs that leave out some of what it prepared or claim what nobody proposed, correctly signed. */
import { digest } from '../../base/index.js';
import type { ViewChange, ViewEntry } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { signedViewChange } from './signed.js';

const invented = digest('cd'.repeat(32));

export const falseViewChanges: BehaviourFactory = (seat) => {
  const { random, replica } = seat;
  const falsify = (entries: readonly ViewEntry[]): ViewEntry[] =>
    entries.flatMap((entry) => {
      if (random.chance(1, 3)) return [];
      return random.chance(1, 3) ? [{ ...entry, digest: invented }] : [entry];
    });
  const lie = (message: ViewChange): ViewChange =>
    signedViewChange(seat, {
      ...message,
      prepared: falsify(message.prepared),
      prePrepared: falsify(message.prePrepared.filter(isFirstOfItsNumber)),
    });
  return {
    toPeer: (_to, message) =>
      message.kind === 'viewChange' && message.replica === replica ? [lie(message)] : [message],
  };
};

/** Keeps one entry a number, so that what remains is in canonical order whatever its digest. */
const isFirstOfItsNumber = (entry: ViewEntry, index: number, all: readonly ViewEntry[]): boolean =>
  entry.sequenceNumber !== all[index - 1]?.sequenceNumber;
