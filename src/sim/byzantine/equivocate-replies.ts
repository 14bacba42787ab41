/** Tells a client one result and then another, or one client the truth and the next a lie. */
import type { ClientId } from '../../base/index.js';
import { encodeResult } from '../../codec/index.js';
import { forgetBeyond, type BehaviourFactory, type ClientOutput } from './behaviour.js';

const remembered = 1_024;

export const equivocateReplies: BehaviourFactory = ({ random }) => {
  const isCheated = new Map<ClientId, boolean>();
  const result = encodeResult({ kind: 'count', count: 999 });
  function lie(output: ClientOutput): ClientOutput {
    if (output.kind === 'reply')
      return { ...output, outcomes: output.outcomes.map(() => ({ kind: 'result', result })) };
    return output.kind === 'readReply' ? { ...output, result } : output;
  }
  return {
    toClients: (output) => {
      if (output.kind !== 'reply' && output.kind !== 'readReply') return [output];
      const { client } = output;
      if (!isCheated.has(client)) isCheated.set(client, isCheated.size === 0 || random.chance(1, 2));
      forgetBeyond(isCheated, remembered);
      return isCheated.get(client) === true ? [lie(output), output] : [output];
    },
  };
};
