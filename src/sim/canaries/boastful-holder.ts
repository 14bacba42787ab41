/** A lease holder forgets that clocks differ and believes for as long as it asked for (pitfall 20). */
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

/** One batch is as late as backups accept, the next as early. */
const skewedPrimary = `
cluster n=4 clients=2
open c1 c2
byzantine 0
drop kind=prePrepare from=0
drop kind=prepare from=0
run 600ms
acquire c1 a lease=3s
run 2ms
batch behind time=-480ms envelopes=c1#2
inject prePrepare from=0 to=1..3 view=0 seq=5 batch=behind
inject prepare from=0 to=1..3 view=0 seq=5 digest=behind
until executed 1..3 = 5
await c1#2
run 2050ms
acquire c2 a lease=3s
run 2ms
batch ahead time=480ms envelopes=c2#2
inject prePrepare from=0 to=1..3 view=0 seq=6 batch=ahead
inject prepare from=0 to=1..3 view=0 seq=6 digest=ahead
await c2#2
`;

/** Cancels the clock error, too: all that the rule subtracts. */
const noSkewMs = -50;

export const boastfulHolder: Canary = {
  name: 'boastful-holder',
  bug: 'a lease holder leaves out the margin for clock skew',
  checkers: ['holder-truth'],
  run: () => runScenario(skewedPrimary, { tampering: { holderSkewMs: noSkewMs } }),
};
