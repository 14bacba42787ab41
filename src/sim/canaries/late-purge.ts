/** Purge off by one: an entry is still there at its deadline (DESIGN section 3; pitfall 16). */
import { runScenario } from '../scenario/runner.js';
import { altered } from './altered.js';
import type { Canary } from './canary.js';

/** A read in a batch whose time is the deadline exactly. */
const readAtTheDeadline = `
cluster n=4 clients=2
open c1 c2
byzantine 0
drop kind=prePrepare from=0
drop kind=prepare from=0
run 100ms
call c1 out ["a",1] lease=2200ms
run 2ms
batch insert time=0ms envelopes=c1#2
inject prePrepare from=0 to=1..3 view=0 seq=5 batch=insert
inject prepare from=0 to=1..3 view=0 seq=5 digest=insert
until executed 1..3 = 5
await c1#2
run 2s
call c2 rdp ["a",1]
run 2ms
batch read after=insert by=2200ms envelopes=c2#2
inject prePrepare from=0 to=1..3 view=0 seq=6 batch=read
inject prepare from=0 to=1..3 view=0 seq=6 digest=read
until executed 1..3 >= 6
await c2#2
`;

export const latePurge: Canary = {
  name: 'late-purge',
  bug: 'an entry outlives its deadline by a millisecond',
  checkers: ['lease-truth'],
  run: () =>
    runScenario(readAtTheDeadline, {
      tampering: {
        service: (machine) =>
          altered(machine, { advanceTime: (time, effects) => machine.advanceTime(time - 1, effects) }),
      },
    }),
};
