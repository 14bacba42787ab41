/** Is silent towards some replicas, and about some kinds of messages. */
import type { ReplicaId } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

const kinds = ['prePrepare', 'prepare', 'commit', 'viewChange', 'newView', 'status', 'checkpoint'] as const;

export const selective: BehaviourFactory = ({ random, peers }) => {
  const shunned = new Set<ReplicaId>(peers.filter(() => random.chance(1, 3)));
  const withheld = new Set<string>(kinds.filter(() => random.chance(1, 5)));
  return { toPeer: (to, message) => (shunned.has(to) || withheld.has(message.kind) ? [] : [message]) };
};
