/** Fast reads answered from a state some operations old (pitfall 5). */
import type { Effects, OrderedOperation, StateMachine } from '../../ordering/index.js';
import { createService } from '../../service/index.js';
import { sha256 } from '../authenticator.js';
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const writeThenRead = `
cluster n=4
open c1
call c1 out ["a",1]
await c1#2
call c1 out ["a",2]
await c1#3
call c1 count ["a",null] fast
await c1#4
expect outcome c1#4 fast
`;

const lag = 1;

export const staleRead: Canary = {
  name: 'stale-read',
  bug: 'fast reads are answered from an older state',
  checkers: ['fast-reads'],
  tampering: () => ({ stateMachine: withLaggingReads }),
  run: () => runScenario(writeThenRead, { tampering: { stateMachine: withLaggingReads } }),
};

/** Nobody waits. */
const noEffects: Effects = { resolve: () => true, notify: () => undefined, endClient: () => undefined };

function withLaggingReads(machine: StateMachine): StateMachine {
  const behind = createService({ hash: sha256 });
  const pending: OrderedOperation[] = [];
  return altered(machine, {
    advanceTime: (time, effects) => {
      behind.advanceTime(time, noEffects);
      machine.advanceTime(time, effects);
    },
    execute: (operation, effects) => {
      pending.push(operation);
      if (pending.length > lag) behind.execute(pending.shift()!, noEffects);
      return machine.execute(operation, effects);
    },
    query: (client, operation, nowMs) => behind.query(client, operation, nowMs),
  });
}
