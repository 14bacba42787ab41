/** A deadline counts from the clock of the replica that computes it, instead of ordered time. */
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const oneLease = `
cluster n=4
open c1
call c1 out ["a",1] lease=3s
run 100ms
`;

export const ownClockDeadline: Canary = {
  name: 'own-clock-deadline',
  bug: "deadlines are computed from each replica's clock",
  checkers: ['agreement'],
  run: () =>
    runScenario(oneLease, {
      tampering: {
        stateMachine: (machine, replica) =>
          altered(machine, {
            execute: (operation, effects) =>
              machine.execute({ ...operation, time: operation.time + replica }, effects),
          }),
      },
    }),
};
