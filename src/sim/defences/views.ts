/** Defences in view changes. */
import { faultsTolerated } from '../../ordering/index.js';
import type { Defence } from './defence.js';
import { believing, oneIsEnough, quorumOf, withoutSignatures } from './removals.js';
import { calls } from './scripts.js';

/** A batch is prepared at all but replica 2 and committed at replica 3 alone, which is then cut off; the others go on. */
const committedAtOne = (adversary: string, seed: number): string => `
cluster n=4 clients=2 seed=${seed} adversaries=0:${adversary}
open c1
drop kind=prePrepare,prepare,commit seq=3 view=0 to=2
drop kind=commit seq=3 view=0 to=0,1
drop kind=committed seq=3
call c1 out ["a",1]
run 20ms
cut 3 0..2
call c2 out ["b",1]
run 3s
mend 3 0..2
clear
until executed 1..3 >= 4
`;

const unusedNumbers = 'a number counts as unused only if a quorum prepared nothing there (condition B)';
const twoF = quorumOf((n) => 2 * faultsTolerated(n));

export const viewDefences: readonly Defence[] = [
  {
    behaviour: 'view-change-spam',
    defence: 'a view is left alone only when f+1 have left it',
    script: `cluster n=4 seed=2 delay=20ms adversaries=3:view-change-spam\nopen c1\n${calls('c1', 2, 10, '1s')}`,
    withoutIt: () => oneIsEnough,
    expects: ['scenario'],
  },
  ...(
    [
      ['forget-prepared', 1],
      ['false-view-changes', 2],
      ['stale-checkpoint', 1],
    ] as const
  ).map(([behaviour, seed]) => ({
    behaviour,
    defence: unusedNumbers,
    script: committedAtOne(behaviour, seed),
    withoutIt: () => twoF,
    expects: ['agreement'],
  })),
  {
    behaviour: 'invent-prepared',
    defence: 'a digest is chosen only if f+1 accepted it (condition A2)',
    script: `
cluster n=4 clients=2 adversaries=0:censor+invent-prepared
delay kind=viewChange from=3 by=2s
call c2 out ["b",1]
run 100ms
call c1 out ["a",1]
until outcome c1#1 result within=20s
until outcome c2#1 result within=10s
`,
    withoutIt: () => oneIsEnough,
    expects: ['scenario'],
  },
  {
    behaviour: 'false-new-view',
    defence: 'backups recompute what a NEW-VIEW chooses (pitfall 2)',
    script: `
cluster n=4 adversaries=1:false-new-view
open c1
${calls('c1', 2, 3, '5s')}
pause 0
call c1 out ["a",1] timeout=20s
run 1500ms
resume 0
${calls('c1', 6, 3, '5s')}
`,
    withoutIt: () => believing('newView'),
    expects: ['agreement', 'exception'],
  },
  {
    behaviour: 'forge-certificate',
    defence: 'the signatures under a checkpoint certificate are verified',
    script: `cluster n=4 checkpoint=8 window=16 adversaries=3:forge-certificate\nopen c1\n${calls('c1', 2, 40, '2s')}`,
    withoutIt: () => withoutSignatures('checkpoint'),
    expects: ['scenario'],
  },
];
