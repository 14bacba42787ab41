/** One replica's state silently differs from the others' (pitfall 8), without any answer showing it. */
import { digest } from '../../base/index.js';
import type { ReplicaId } from '../../base/index.js';
import type { StateMachine } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const aFewWrites = `
cluster n=4
open c1
call c1 out ["a",1]
await c1#2
call c1 out ["a",2]
await c1#3
run 100ms
`;

const victim = 2;

export const divergingState: Canary = {
  name: 'diverging-state',
  bug: 'the state of one replica differs after its second operation',
  checkers: ['state-digests'],
  run: () => runScenario(aFewWrites, { tampering: { stateMachine: diverging } }),
};

function diverging(machine: StateMachine, replica: ReplicaId): StateMachine {
  let executed = 0;
  return altered(machine, {
    execute: (operation, effects) => {
      executed++;
      return machine.execute(operation, effects);
    },
    checkpoint: () => {
      const snapshot = machine.checkpoint();
      return replica === victim && executed >= 2 ? { ...snapshot, root: digest('00'.repeat(32)) } : snapshot;
    },
  });
}
