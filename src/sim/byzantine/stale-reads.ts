/** Answers a fast read with what it answered the first such read: a state long gone (pitfall 5). */
import { toHex } from '../../base/index.js';
import { forgetBeyond, type BehaviourFactory } from './behaviour.js';

const remembered = 256;

export const staleReads: BehaviourFactory = () => {
  /** The operations asked for, by client and read. */
  const asked = new Map<string, string>();
  const first = new Map<string, Uint8Array>();
  return {
    fromOutside: (input) => {
      if (input.kind === 'read') {
        asked.set(`${input.client} ${input.readId}`, toHex(input.operation));
        forgetBeyond(asked, remembered);
      }
      return [input];
    },
    toClients: (output) => {
      if (output.kind !== 'readReply' || output.result === null) return [output];
      const operation = asked.get(`${output.client} ${output.readId}`);
      if (operation === undefined) return [output];
      const result = first.get(operation) ?? output.result;
      first.set(operation, result);
      forgetBeyond(first, remembered);
      return [{ ...output, result }];
    },
  };
};
