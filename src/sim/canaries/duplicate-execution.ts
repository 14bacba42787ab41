/** The state machine applies an operation twice, at every replica alike: only a replay can tell. */
import { decodeOperation } from '../../codec/index.js';
import type { StateMachine } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';
import { altered } from './altered.js';

const insertAndCount = `
cluster n=4
open c1
call c1 out ["a",1]
await c1#2
call c1 count ["a",null]
await c1#3
`;

export const duplicateExecution: Canary = {
  name: 'duplicate-execution',
  bug: 'an out inserts twice',
  checkers: ['replay', 'linearizability'],
  run: () => runScenario(insertAndCount, { tampering: { stateMachine: twice } }),
};

function twice(machine: StateMachine): StateMachine {
  return altered(machine, {
    execute: (operation, effects) => {
      if (decodeOperation(operation.operation)?.kind === 'out') machine.execute(operation, effects);
      return machine.execute(operation, effects);
    },
  });
}
