/** Sends other batches than were asked for: of another time, without an envelope, or no batch at all. */
import { encodeBatch } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';
import { ownBatch } from './retelling.js';

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));

export const corruptBodies: BehaviourFactory = ({ random }) => {
  function corrupted(bytes: Uint8Array): Uint8Array {
    const batch = ownBatch(bytes);
    if (batch === null || random.chance(1, 4)) return flipped(bytes);
    const { envelopes, time } = batch;
    return random.chance(1, 2) && envelopes.length > 0
      ? encodeBatch({ time, envelopes: envelopes.slice(1) })
      : encodeBatch({ time: time + 1, envelopes });
  }
  return {
    toPeer: (_to, message) =>
      message.kind === 'batchBody' ? [{ ...message, batch: corrupted(message.batch) }] : [message],
  };
};
