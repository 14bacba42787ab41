/**
 * Votes for large batches as late as those allow who leave their envelopes to f+1 others to check first, and in time, so that
 * it is waited for again.
 */
import type { SequenceNumber } from '../../base/index.js';
import { decodeBatch } from '../../codec/index.js';
import { forgetBeyond, type BehaviourFactory } from './behaviour.js';
import { HeldWords } from './held-words.js';

/** Others wait for 2 ms and an eighth of a millisecond for each envelope, or longer; a vote takes one of these to get there. */
const marginMs = 1;
const checkedMsEach = 1 / 8;
const remembered = 256;

export const lateVotes: BehaviourFactory = ({ config }) => {
  const held = new HeldWords();
  const due = new Map<SequenceNumber, number>();
  let nowMs = 0;
  return {
    fromOutside: (input) => {
      if (input.kind === 'tick') nowMs = input.nowMs;
      if (input.kind === 'message' && input.message.kind === 'prePrepare') {
        const envelopes = decodeBatch(input.message.batch)?.envelopes.length ?? 0;
        if (envelopes >= config.sharedChecksMin)
          due.set(input.message.sequenceNumber, nowMs + marginMs + envelopes * checkedMsEach);
        forgetBeyond(due, remembered);
      }
      return [input];
    },
    toPeer: (to, message) => {
      const dueMs = message.kind === 'prepare' ? due.get(message.sequenceNumber) : undefined;
      return dueMs !== undefined && held.hold({ kind: 'send', to, message }, dueMs) ? [] : [message];
    },
    besides: (now) => held.release(now),
  };
};
