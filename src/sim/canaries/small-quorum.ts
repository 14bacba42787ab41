/**
 * Quorums of 2f: two of them may share only a faulty replica, so a primary that tells two stories gets both
 * committed (Castro & Liskov, OSDI'99 section 3).
 */
import { faultsTolerated } from '../../ordering/index.js';
import { quorumOf } from '../defences/removals.js';
import { runScenario } from '../scenario/runner.js';
import type { Canary } from './canary.js';

const twoStories = `
cluster n=4 clients=2
puppet 0
call c1 out ["a",1]
call c2 out ["b",2]
run 5ms
batch one envelopes=c1.open
batch two envelopes=c2.open
inject prePrepare from=0 to=1 view=0 seq=1 batch=one
inject prepare from=0 to=1 view=0 seq=1 digest=one
inject commit from=0 to=1 view=0 seq=1 digest=one
inject prePrepare from=0 to=2,3 view=0 seq=1 batch=two
run 1s
`;

export const smallQuorum: Canary = {
  name: 'small-quorum',
  bug: 'a quorum is 2f replicas',
  checkers: ['agreement'],
  run: () => runScenario(twoStories, { tampering: quorumOf((n) => 2 * faultsTolerated(n)) }),
};
