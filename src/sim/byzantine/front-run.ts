/** As primary, lets the envelopes of one client go first: those of others wait while that one has something to ask. */
import type { ClientId } from '../../base/index.js';
import type { BehaviourFactory, OutsideInput } from './behaviour.js';
import { clientOf, envelopeOf, heldInputsMax } from './held-envelopes.js';

/** The favourite is done when nothing has come from it for so long. */
const quietMs = 100;

export const frontRun: BehaviourFactory = ({ random, config }) => {
  /** Nearly as long as a backup waits, or as long as it takes. */
  const patienceMs = random.pick([Math.floor(config.requestTimeoutMs * 0.7), Infinity]);
  let favourite: ClientId | null = null;
  let favouriteMs = 0;
  let nowMs = 0;
  let held: { readonly input: OutsideInput; readonly sinceMs: number }[] = [];

  function release(): OutsideInput[] {
    const isDone = nowMs - favouriteMs >= quietMs;
    const isDue = ({ sinceMs }: { readonly sinceMs: number }): boolean =>
      isDone || nowMs - sinceMs >= patienceMs;
    const due = held.filter(isDue).map(({ input }) => input);
    if (due.length > 0) held = held.filter((one) => !isDue(one));
    return due;
  }

  return {
    fromOutside: (input) => {
      if (input.kind === 'tick') {
        nowMs = input.nowMs;
        return [...release(), input];
      }
      const client = envelopeOf(input) === null ? null : clientOf(input);
      if (client === null) return [input];
      favourite ??= client;
      if (client === favourite) favouriteMs = nowMs;
      if (client === favourite || held.length >= heldInputsMax) return [input];
      held.push({ input, sinceMs: nowMs });
      return [];
    },
  };
};
