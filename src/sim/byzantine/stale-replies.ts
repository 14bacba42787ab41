/** Answers a client's requests with what it answered the ones before. */
import type { SessionId } from '../../base/index.js';
import type { Outcome } from '../../codec/index.js';
import { forgetBeyond, type BehaviourFactory } from './behaviour.js';

const remembered = 256;

export const staleReplies: BehaviourFactory = () => {
  const last = new Map<SessionId, Outcome>();
  return {
    toClients: (output) => {
      if (output.kind !== 'reply') return [output];
      const before = last.get(output.session);
      const latest = output.outcomes.at(-1);
      if (latest !== undefined) last.set(output.session, latest);
      forgetBeyond(last, remembered);
      return before === undefined ? [output] : [{ ...output, outcomes: output.outcomes.map(() => before) }];
    },
  };
};
