/** Votes in time, in the right view and at the right number, but always for a digest that nobody proposed. */
import { digest } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

const unproposed = digest('a1'.repeat(32));

export const wrongDigest: BehaviourFactory = () => ({
  toPeer: (_to, message) =>
    message.kind === 'prepare' || message.kind === 'commit'
      ? [{ ...message, digest: unproposed }]
      : [message],
});
