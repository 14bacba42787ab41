/** Bugs in the normal case: quorums, votes, proposals, execution. */
import { replicaId, sequenceNumber } from '../../base/index.js';
import { faultsTolerated } from '../../ordering/index.js';
import { earlyExecution } from '../canaries/early-execution.js';
import { timeRunsBack } from '../canaries/time-runs-back.js';
import { timeStandsStill } from '../canaries/time-stands-still.js';
import {
  lastWordCounts,
  oneIsEnough,
  quorumOf,
  votesNotVoters,
  withoutBodyDigests,
  withoutEnvelopeSignatures,
  withoutSuspicion,
  withoutTimeCheck,
  withoutWatermarks,
} from '../defences/removals.js';
import { around, bug, oneIsEnoughFor, tamperingOf, type ProtocolBug } from './bug.js';

/** A vote for whatever was accepted at its number. */
const anyDigest = around((core) => ({
  before: (input) => {
    if (input.kind !== 'message') return input;
    const { message } = input;
    if (message.kind !== 'prepare' && message.kind !== 'commit') return input;
    const digest = core.log.slots.get(message.sequenceNumber)?.accepted?.digest ?? message.digest;
    return { ...input, message: { ...message, digest } };
  },
}));

const anyView = around((core) => ({
  before: (input) => {
    if (input.kind !== 'message') return input;
    const { message } = input;
    if (message.kind !== 'prepare' && message.kind !== 'commit') return input;
    return { ...input, message: { ...message, view: core.view } };
  },
}));

const anyProposer = around((core) => ({
  before: (input) => {
    if (input.kind !== 'message' || input.message.kind !== 'prePrepare') return input;
    return { ...input, from: replicaId(core.view % core.config.n) };
  },
}));

/** What is committed after a number that is not, is executed in its place. */
const overGaps = around((core) => ({
  before: (input) => {
    const { log } = core;
    const isCommitted = (ahead: number): boolean =>
      (log.slots.get(sequenceNumber(log.lastExecuted + ahead))?.committed ?? null) !== null;
    if (!isCommitted(1) && isCommitted(2)) log.lastExecuted = sequenceNumber(log.lastExecuted + 1);
    return input;
  },
}));

export const votingBugs: readonly ProtocolBug[] = [
  bug('small-quorum', 'a quorum is 2f replicas', () => quorumOf((n) => 2 * faultsTolerated(n))),
  bug('large-quorum', 'a quorum is all replicas', () => quorumOf((n) => n)),
  bug('one-is-enough', "one replica's word counts where f+1 are asked for", () => oneIsEnough),
  bug('votes-not-voters', 'votes are counted, not those who vote', () => votesNotVoters),
  bug('last-word-counts', 'a later PRE-PREPARE or vote replaces the first', () => lastWordCounts),
  bug('any-digest', 'a vote counts whatever its digest is', () => anyDigest),
  bug('any-view', 'a vote counts whatever its view is', () => anyView),
  bug('early-execution', 'a prepared batch is executed before it is committed', tamperingOf(earlyExecution)),
  bug('over-gaps', 'a batch is executed though the one before it is not committed', () => overGaps),
  bug('one-attests', "one replica's word that a batch is committed is believed", () =>
    oneIsEnoughFor('committed'),
  ),
  bug('no-body-digests', 'a body is taken from whoever sends one', withoutBodyDigests),
  bug('no-watermarks', 'there is no high watermark', () => withoutWatermarks),
  bug('no-time-check', 'any time that a primary proposes is accepted', () => withoutTimeCheck),
  bug('time-runs-back', "a batch's own time is taken for ordered time", tamperingOf(timeRunsBack)),
  bug('time-stands-still', 'nobody moves time without traffic', tamperingOf(timeStandsStill)),
  bug('no-suspicion', 'nobody ever suspects the primary', () => withoutSuspicion),
  bug('any-proposer', 'a PRE-PREPARE counts whoever sends it', () => anyProposer),
  bug('forged-envelopes', 'the signatures of clients are not looked at', () => withoutEnvelopeSignatures),
  bug('no-resending', 'nobody says what it lacks: what is lost is not sent again', () => ({
    outputs: (outputs) =>
      outputs.filter((output) => output.kind !== 'broadcast' || output.message.kind !== 'status'),
  })),
];
