/** A fast read shows an entry whose lease may be over by the clock of somebody else. */
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

const readNearTheEnd = `
cluster n=4
open c1
call c1 out ["a",1] lease=2200ms
await c1#2
run 2s
call c1 rdp ["a",1] fast
await c1#3
`;

export const carelessRead: Canary = {
  name: 'careless-read',
  bug: 'fast reads do not look at how near the deadline is',
  checkers: ['fast-read-deadlines'],
  run: () =>
    runScenario(readNearTheEnd, {
      tampering: {
        service: (machine) =>
          altered(machine, { query: (client, operation) => machine.query(client, operation, 0) }),
      },
    }),
};
