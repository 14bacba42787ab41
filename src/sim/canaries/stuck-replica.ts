/** A replica that never catches up once it is behind: peers tell it nothing any more. */
import { runRandom } from '../simulation.js';
import type { Canary } from './canary.js';

export const stuckReplica: Canary = {
  name: 'stuck-replica',
  bug: 'one replica ignores every batch',
  checkers: ['convergence'],
  run: () =>
    runRandom({
      seed: 1,
      n: 4,
      operations: 20,
      faults: [],
      tampering: {
        core: (replica, id) => ({
          step: (input) => (id === 3 && input.kind === 'message' ? [] : replica.step(input)),
          status: () => replica.status(),
          stateDigest: () => replica.stateDigest(),
          validate: () => replica.validate(),
        }),
      },
    }),
};
