/** A renewal is executed before the purge: an expired entry comes back to life (pitfall 16). */
import { decodeOperation } from '../../codec/index.js';
import type { Effects, StateMachine } from '../../ordering/index.js';
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

/** Nobody moves time: the renewal itself is the first to come after the deadline. */
const renewedLate = `
cluster n=4
open c1
call c1 out ["a",1] lease=2200ms
await c1#2
partition 0 | 1 | 2 | 3
run 2500ms
heal
call c1 renew ["a",1] lease=3s
await c1#3
`;

export const renewedAfterExpiry: Canary = {
  name: 'renewed-after-expiry',
  bug: 'an expired entry can be renewed',
  checkers: ['lease-truth'],
  run: () => runScenario(renewedLate, { tampering: { service: renewingFirst } }),
};

/** Nobody waits. */
const noEffects: Effects = { resolve: () => true, notify: () => undefined, endClient: () => undefined };

function renewingFirst(machine: StateMachine): StateMachine {
  let due: number | null = null;
  const advance = (): void => {
    if (due !== null) machine.advanceTime(due, noEffects);
    due = null;
  };
  return altered(machine, {
    advanceTime: (time) => {
      due = time;
    },
    execute: (operation, effects) => {
      if (decodeOperation(operation.operation)?.kind !== 'renew') advance();
      return machine.execute(operation, effects);
    },
    query: (client, operation, nowMs) => {
      advance();
      return machine.query(client, operation, nowMs);
    },
    checkpoint: () => {
      advance();
      return machine.checkpoint();
    },
    nextDeadline: () => null,
  });
}
