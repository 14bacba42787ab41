/** Wrong CHECKPOINTs, rotten pages and bodies, and a STATUS that says anything. */
import { digest, sequenceNumber, viewNumber } from '../../base/index.js';
import { encodeCheckpointBody } from '../../codec/index.js';
import type { PeerMessage } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';

const rotten = digest('ef'.repeat(32));

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));

export const falseState: BehaviourFactory = ({ random, replica, world }) => ({
  toPeer: (_to, message): readonly PeerMessage[] => {
    if (random.chance(1, 3)) return [message];
    switch (message.kind) {
      case 'checkpoint': {
        const content = { sequenceNumber: message.sequenceNumber, stateDigest: rotten };
        const signature = world.authenticators[replica]!.sign('checkpoint', encodeCheckpointBody(content));
        return [{ ...message, ...content, signature }];
      }
      case 'stateChunk':
        return [{ ...message, data: flipped(message.data) }];
      case 'batchBody':
        return [{ ...message, batch: flipped(message.batch) }];
      case 'status':
        return [
          {
            ...message,
            view: viewNumber(random.below(message.view + 2)),
            lastExecuted: sequenceNumber(random.below(2 * message.lastExecuted + 1)),
            stableCheckpoint: sequenceNumber(random.below(message.stableCheckpoint + 1)),
            isObserver: random.chance(1, 2),
          },
        ];
      default:
        return [message];
    }
  },
});
