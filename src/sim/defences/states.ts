/** Defences in checkpoints, bodies and state transfer. */
import type { Defence } from './defence.js';
import { oneCheckpointIsEnough, oneDonor, withoutBodyDigests, withoutPageDigests } from './removals.js';
import { calls } from './scripts.js';

/** Replica 3 misses a proposal and asks for its body. */
const missedProposal = (adversary: string): string => `
cluster n=4 adversaries=0:${adversary}
open c1
drop kind=prePrepare to=3
${calls('c1', 2, 8, '5s')}
run 3s
`;

/** Replica 3 is away for longer than anybody keeps batches, and fetches the state. */
const longAbsence = (adversary: string): string => `
cluster n=4 checkpoint=8 window=16 history=0 adversaries=0:${adversary}
open c1
cut 3 0..2,c1
${calls('c1', 2, 40, '5s')}
mend 3 0..2,c1
run 3s
${calls('c1', 42, 20, '5s')}
until executed 3 >= 60 within=5s
`;

export const stateDefences: readonly Defence[] = [
  {
    behaviour: 'corrupt-bodies',
    defence: 'a body is believed by its digest',
    script: missedProposal('corrupt-bodies'),
    withoutIt: withoutBodyDigests,
    expects: ['agreement', 'state-digests'],
  },
  {
    behaviour: 'false-pages',
    defence: 'a page of a state is believed by its digest',
    script: longAbsence('false-pages'),
    withoutIt: () => withoutPageDigests,
    expects: ['agreement', 'state-digests', 'halt'],
  },
  {
    behaviour: 'false-state',
    defence: 'a state is fetched from all who have it, and who lies about it is not asked again',
    script: longAbsence('false-state'),
    withoutIt: () => oneDonor,
    expects: ['scenario'],
  },
  {
    behaviour: 'false-checkpoints',
    defence: 'a checkpoint is stable once a quorum has signed the same state',
    script: `cluster n=4 checkpoint=8 window=16 adversaries=0:false-checkpoints\nopen c1\n${calls('c1', 2, 40, '2s')}`,
    withoutIt: () => oneCheckpointIsEnough,
    expects: ['scenario'],
  },
];
