/** Entries are gone before their deadline. */
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const readBefore = `
cluster n=4
open c1
call c1 out ["a",1] lease=3s
await c1#2
run 2s
call c1 rdp ["a",1]
await c1#3
`;

const earlyMs = 1_500;

export const earlyPurge: Canary = {
  name: 'early-purge',
  bug: 'entries expire before their deadline',
  checkers: ['lease-truth'],
  run: () =>
    runScenario(readBefore, {
      tampering: {
        service: (machine) =>
          altered(machine, { advanceTime: (time, effects) => machine.advanceTime(time + earlyMs, effects) }),
      },
    }),
};
