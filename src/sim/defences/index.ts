/** What stops each Byzantine behaviour, and that nothing else does. */
import { clientDefences } from './clients.js';
import type { Defence } from './defence.js';
import { stateDefences } from './states.js';
import { viewDefences } from './views.js';
import { votingDefences } from './voting.js';

export { runDefence, type Defence } from './defence.js';

export const defences: readonly Defence[] = [
  ...votingDefences,
  ...viewDefences,
  ...stateDefences,
  ...clientDefences,
];
