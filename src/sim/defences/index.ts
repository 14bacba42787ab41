/** What stops each Byzantine behaviour, and that nothing else does. */
import { clientDefences } from './clients.js';
import type { Defence } from './defence.js';
import { stateDefences } from './states.js';
import { viewDefences } from './views.js';
import { votingDefences } from './voting.js';

export { outlawDefences, undefendedOutlaws } from './outlaws.js';
export { runDefence, type Defence, type DefenceRun } from './defence.js';

export const defences: readonly Defence[] = [
  ...votingDefences,
  ...viewDefences,
  ...stateDefences,
  ...clientDefences,
];

/** Behaviours without such a defence, and why. */
export const undefended: Readonly<Record<string, string>> = {
  'false-status': 'costs peers a resend at a fixed rate, and tells nobody anything that is believed',
  flood:
    'bodies and states are given at a rate, and no replica has more than its share of a turn or of the line (test/unit/replica/runtime.test.ts, peer-receiver.test.ts)',
  'late-votes':
    'a batch waits for about twice the time of the checks it saves, and not again soon for who is later than that (test/paper/shared-checks.test.ts)',
  mutate: 'what stops it is all that stops the others',
  reorder: 'no order is promised between envelopes',
};
