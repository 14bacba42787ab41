/** All canaries. */
import type { Canary } from './canary.js';
import { boastfulHolder } from './boastful-holder.js';
import { carelessRead } from './careless-read.js';
import {
  blindShares,
  fewShares,
  forgottenBlacklist,
  uncommittedKey,
  undonePardon,
  unjudgedRepair,
} from './confidential.js';
import { divergingState } from './diverging-state.js';
import { duplicateExecution } from './duplicate-execution.js';
import { earlyAnswer } from './early-answer.js';
import { earlyExecution } from './early-execution.js';
import { earlyPurge } from './early-purge.js';
import {
  falseCancel,
  hiddenGap,
  longSession,
  needlessGap,
  outlivedSession,
  shortSession,
  untoldWake,
} from './ending.js';
import { forgottenVotes } from './forgotten-votes.js';
import { heedlessWake, ownClockPolicy, skippedPolicy, undeadClient } from './guards.js';
import { latePurge } from './late-purge.js';
import { lostReplyCache } from './lost-reply-cache.js';
import { lostService } from './lost-service.js';
import { lyingReplies } from './lying-replies.js';
import { ownClockDeadline } from './own-clock-deadline.js';
import { renewedAfterExpiry } from './renewed-after-expiry.js';
import { smallQuorum } from './small-quorum.js';
import { damagedRecord, earlyTruncation, skippedSync, syncAfterSend } from './storage.js';
import { staleRead } from './stale-read.js';
import { stuckReplica } from './stuck-replica.js';
import { timeRunsBack } from './time-runs-back.js';
import { timeStandsStill } from './time-stands-still.js';
import { unboundedMemory } from './unbounded-memory.js';
import {
  credulousClient,
  falseTruncation,
  lostEvent,
  lyingFeeds,
  renumberedEvents,
  repeatedEvent,
} from './telling.js';
import {
  believedRenewal,
  countedCopiers,
  forgottenSync,
  loosePolicy,
  noStepDown,
  uninvitedCopier,
  unrenewedStopped,
} from './red.js';
import { undemandingBackups } from './undemanding-backups.js';
import { earlyTimeout, forgottenDeadline, lostWake, takenTwice, unfairWake } from './waking.js';

export type { Canary };

export const canaries: readonly Canary[] = [
  boastfulHolder,
  carelessRead,
  divergingState,
  duplicateExecution,
  earlyAnswer,
  earlyExecution,
  earlyPurge,
  forgottenVotes,
  latePurge,
  lostReplyCache,
  lostService,
  lyingReplies,
  ownClockDeadline,
  renewedAfterExpiry,
  smallQuorum,
  staleRead,
  stuckReplica,
  timeRunsBack,
  timeStandsStill,
  unboundedMemory,
  undemandingBackups,
  unfairWake,
  takenTwice,
  lostWake,
  earlyTimeout,
  forgottenDeadline,
  lostEvent,
  repeatedEvent,
  renumberedEvents,
  lyingFeeds,
  credulousClient,
  falseTruncation,
  outlivedSession,
  longSession,
  shortSession,
  falseCancel,
  hiddenGap,
  needlessGap,
  untoldWake,
  skippedPolicy,
  heedlessWake,
  undeadClient,
  ownClockPolicy,
  skippedSync,
  syncAfterSend,
  earlyTruncation,
  damagedRecord,
  blindShares,
  fewShares,
  unjudgedRepair,
  forgottenBlacklist,
  undonePardon,
  uncommittedKey,
  believedRenewal,
  countedCopiers,
  forgottenSync,
  loosePolicy,
  noStepDown,
  uninvitedCopier,
  unrenewedStopped,
];
