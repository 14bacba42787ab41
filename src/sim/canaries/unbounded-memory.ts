/** Something is kept for ever (pitfall 7). */
import type { OrderingReplica } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

const idle = `
cluster n=4 checkpoint=4 window=8
open c1
run 2s
`;

export const unboundedMemory: Canary = {
  name: 'unbounded-memory',
  bug: 'every message leaves a trace in the log',
  checkers: ['bounded-memory'],
  run: () => runScenario(idle, { tampering: { core: hoarding } }),
};

function hoarding(replica: OrderingReplica): ReplicaCore {
  let hoard = 0;
  return {
    step: (input) => {
      if (input.kind === 'message') hoard++;
      return replica.step(input);
    },
    status: () => {
      const status = replica.status();
      return { ...status, sizes: { ...status.sizes, slots: hoard } };
    },
    stateDigest: () => replica.stateDigest(),
    validate: () => replica.validate(),
  };
}
