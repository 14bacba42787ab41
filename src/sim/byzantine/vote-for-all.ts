/** Votes for whatever it hears of, without a look at it: to each peer PREPARE and COMMIT for what that peer said. */
import type { Digest, ReplicaId } from '../../base/index.js';
import { forgetBeyond, type BehaviourFactory, type Word } from './behaviour.js';
import { isPhase, slotKey, type Phase } from './retelling.js';

const remembered = 4_096;

export const voteForAll: BehaviourFactory = ({ hash }) => {
  const agreed = new Set<string>();
  let due: Word[] = [];

  function agree(to: ReplicaId, { view, sequenceNumber }: Phase, digest: Digest): void {
    for (const kind of ['prepare', 'commit'] as const)
      due.push({ kind: 'send', to, message: { kind, view, sequenceNumber, digest } });
  }

  return {
    fromOutside: (input) => {
      if (input.kind !== 'message' || !isPhase(input.message)) return [input];
      const { from, message } = input;
      const digest = message.kind === 'prePrepare' ? hash(message.batch) : message.digest;
      const key = `${from} ${slotKey(message)} ${digest}`;
      if (!agreed.has(key)) {
        agreed.add(key);
        forgetBeyond(agreed, remembered);
        agree(from, message, digest);
      }
      return [input];
    },
    // A vote of its own would be the one that counts.
    toPeer: (_to, message) => (message.kind === 'prepare' || message.kind === 'commit' ? [] : [message]),
    besides: () => {
      const words = due;
      due = [];
      return words;
    },
  };
};
