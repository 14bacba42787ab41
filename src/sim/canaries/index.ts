/** All canaries. */
import type { Canary } from './canary.js';
import { divergingState } from './diverging-state.js';
import { duplicateExecution } from './duplicate-execution.js';
import { earlyAnswer } from './early-answer.js';
import { earlyExecution } from './early-execution.js';
import { forgottenVotes } from './forgotten-votes.js';
import { lostReplyCache } from './lost-reply-cache.js';
import { lostService } from './lost-service.js';
import { lyingReplies } from './lying-replies.js';
import { smallQuorum } from './small-quorum.js';
import { staleRead } from './stale-read.js';
import { stuckReplica } from './stuck-replica.js';
import { timeRunsBack } from './time-runs-back.js';
import { unboundedMemory } from './unbounded-memory.js';

export type { Canary };

export const canaries: readonly Canary[] = [
  divergingState,
  duplicateExecution,
  earlyAnswer,
  earlyExecution,
  forgottenVotes,
  lostReplyCache,
  lostService,
  lyingReplies,
  smallQuorum,
  staleRead,
  stuckReplica,
  timeRunsBack,
  unboundedMemory,
];
