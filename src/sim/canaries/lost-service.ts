/** Answers never arrive: nothing unsafe happens, and nothing is done either. */
import { runRandom } from '../simulation.js';
import type { Canary } from './canary.js';

export const lostService: Canary = {
  name: 'lost-service',
  bug: 'replies are never sent',
  checkers: ['probe', 'convergence'],
  run: () =>
    runRandom({
      seed: 1,
      n: 4,
      operations: 4,
      faults: [],
      tampering: { outputs: (outputs) => outputs.filter(({ kind }) => kind !== 'reply') },
    }),
};
