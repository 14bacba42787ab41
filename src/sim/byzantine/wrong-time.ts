/** As primary, proposes times that its clock never showed. */
import { decodeBatch, encodeBatch } from '../../codec/index.js';
import type { Digest } from '../../base/index.js';
import { sha256 } from '../authenticator.js';
import type { BehaviourFactory } from './behaviour.js';

export const wrongTime: BehaviourFactory = ({ random }) => {
  /** What each altered proposal became, so that votes follow it. */
  const altered = new Map<Digest, Digest>();
  const offsets = new Map<string, number>();
  return {
    toPeer: (_to, message) => {
      if (message.kind === 'prepare' || message.kind === 'commit')
        return [{ ...message, digest: altered.get(message.digest) ?? message.digest }];
      if (message.kind !== 'prePrepare') return [message];
      const batch = decodeBatch(message.batch);
      if (batch?.time === undefined || batch.time === null) return [message];
      const key = `${message.view}/${message.sequenceNumber}`;
      const offset = offsets.get(key) ?? random.pick([0, -400, 400, -10_000, 10_000, -1_000_000_000]);
      offsets.set(key, offset);
      const bytes = encodeBatch({ ...batch, time: batch.time + offset });
      altered.set(sha256(message.batch), sha256(bytes));
      return [{ ...message, batch: bytes }];
    },
  };
};
