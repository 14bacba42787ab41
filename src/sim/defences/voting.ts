/** Defences in the normal case: quorums, first words, watermarks, times and timers. */
import { faultsTolerated } from '../../ordering/index.js';
import type { Defence } from './defence.js';
import {
  configured,
  lastWordCounts,
  quorumOf,
  votesNotVoters,
  withoutEnvelopeSignatures,
  withoutReplyCache,
  withoutSuspicion,
  withoutTimeCheck,
  withoutWatermarks,
} from './removals.js';
import { calls, rush } from './scripts.js';

const twoF = quorumOf((n) => 2 * faultsTolerated(n));
const everybody = quorumOf((n) => n);

const intersecting = 'two quorums share a correct replica';
const available = 'a quorum is no more than the correct replicas';
const suspicion = 'a primary that leaves an envelope waiting is replaced';

const defence = (
  behaviour: string,
  what: string,
  script: string,
  withoutIt: Defence['withoutIt'],
  ...expects: readonly string[]
): Defence => ({ behaviour, defence: what, script, withoutIt, expects });

const small = (adversaries: string): string => `
cluster n=4 clients=2 adversaries=${adversaries}
open c1
`;

const large = (n: number, adversaries: string): string => `
cluster n=${n} clients=2 adversaries=${adversaries}
open c1
`;

const stories = `${rush('c1', 10, '30ms')}\nrun 3s\n`;
/** The answer to the first client is lost, so that its request stays open. */
const unanswered = `
open c2
drop kind=reply to=c1
call c1 out ["a",1]
run 30ms
${rush('c2', 6, '25ms')}
`;

/** A window that a few numbers beyond it fill. */
const narrow = (adversaries: string): string => `
cluster n=4 checkpoint=4 window=8 adversaries=${adversaries}
open c1
`;

const answers = calls('c1', 2, 10, '5s');

/** An entry with a lease, and then no traffic: time has to go on. */
const idle = `
call c1 out ["a",1] lease=2200ms
await c1#2
idle 8s within=3s
`;

const busyFavourite = `
open c2
call c2 out ["b",1]
${rush('c1', 60, '50ms')}
expect outcome c2#2 result
`;

export const votingDefences: readonly Defence[] = [
  defence(
    'silent',
    suspicion,
    `${small('0:silent')}${answers}\nrun 5s\n${calls('c1', 12, 3, '5s')}`,
    () => withoutSuspicion,
    'scenario',
  ),
  defence('selective', available, `${small('3:selective')}${answers}`, () => everybody, 'scenario'),
  defence('slow', available, `${small('3:slow')}${calls('c1', 2, 10, '40ms')}`, () => everybody, 'scenario'),
  defence('withhold-votes', available, `${small('3:withhold-votes')}${answers}`, () => everybody, 'scenario'),
  defence('equivocate', intersecting, `${small('0:equivocate')}${stories}`, () => twoF, 'agreement'),
  defence(
    'equivocate-halves',
    intersecting,
    `${small('0:equivocate-halves')}${stories}`,
    () => twoF,
    'agreement',
  ),
  defence(
    'equivocate-late',
    'the first PRE-PREPARE and the first vote for a view and number count',
    `${small('0:equivocate-late')}${stories}`,
    () => lastWordCounts,
    'agreement',
  ),
  defence('collude', intersecting, `${large(7, '0:collude,1:collude')}${stories}`, () => twoF, 'agreement'),
  defence(
    'vote-for-all',
    intersecting,
    `${large(10, '0:equivocate-halves,1:vote-for-all,2:vote-for-all seed=3')}${stories}`,
    () => twoF,
    'agreement',
  ),
  defence('wrong-digest', available, `${small('3:wrong-digest')}${answers}`, () => everybody, 'scenario'),
  defence(
    'corrupt-votes',
    'nothing is kept of what lies outside the watermarks (pitfall 6)',
    `${narrow('3:corrupt-votes')}${answers}`,
    () => withoutWatermarks,
    'bounded-memory',
  ),
  defence(
    'conflicting-votes',
    'each replica has one vote',
    `${small('3:conflicting-votes')}${answers}`,
    () => votesNotVoters,
    'scenario',
    'exception',
  ),
  defence(
    'sequence-jumps',
    suspicion,
    `${small('0:sequence-jumps')}${answers}`,
    () => withoutSuspicion,
    'scenario',
  ),
  defence(
    'beyond-watermarks',
    'nothing is kept of what lies outside the watermarks (pitfall 6)',
    `${narrow('0:beyond-watermarks')}${answers}`,
    () => withoutWatermarks,
    'bounded-memory',
  ),
  defence(
    'wrong-time',
    'a backup compares a proposed time with its own clock',
    `${small('0:wrong-time')}${stories}`,
    () => withoutTimeCheck,
    'ordered-time',
  ),
  defence(
    'wrong-clock',
    'a backup compares a proposed time with its own clock',
    `${small('0:wrong-clock seed=3')}${stories}`,
    () => withoutTimeCheck,
    'ordered-time',
  ),
  defence(
    'frozen-clock',
    'backups demand the empty batches that are due (pitfall 18)',
    `${small('0:frozen-clock seed=3')}${idle}`,
    () => withoutSuspicion,
    'idle-expiry',
  ),
  defence('censor', suspicion, `${small('0:censor')}${answers}`, () => withoutSuspicion, 'scenario'),
  defence(
    'front-run',
    suspicion,
    `${small('0:front-run')}${busyFavourite}`,
    () => withoutSuspicion,
    'scenario',
  ),
  defence(
    'slow-primary',
    'a primary that does less than others did, and lets requests wait longer, is replaced (pitfall 12)',
    `${small('0:slow-primary')}${rush('c1', 30, '600ms')}\n${calls('c1', 32, 10, '200ms')}`,
    () => configured({ slowPrimaryPercent: 0 }),
    'scenario',
  ),
  defence('garble', suspicion, `${small('0:garble')}${answers}`, () => withoutSuspicion, 'scenario'),
  defence(
    'forge-envelopes',
    'an envelope is ordered only with the signature of its client',
    `${small('0:forge-envelopes')}${answers}`,
    () => withoutEnvelopeSignatures,
    'exactly-once',
  ),
  defence(
    'repeat-envelopes',
    'outcomes are remembered by session and number',
    `${small('0:repeat-envelopes')}${unanswered}`,
    () => withoutReplyCache,
    'exactly-once',
  ),
  defence(
    'replay-old',
    'outcomes are remembered by session and number',
    `${small('3:replay-old seed=2')}${unanswered}`,
    () => withoutReplyCache,
    'exactly-once',
  ),
];
