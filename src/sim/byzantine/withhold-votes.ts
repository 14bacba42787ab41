/** Votes towards some, never towards others. */
import type { ReplicaId } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

export const withholdVotes: BehaviourFactory = ({ random, peers }) => {
  const favoured = random.pick(peers);
  const without = new Set<ReplicaId>(peers.filter((peer) => peer !== favoured && random.chance(1, 2)));
  without.add(random.pick(peers.filter((peer) => peer !== favoured)));
  const kinds = ['prepare', 'commit', 'committed'];
  return { toPeer: (to, message) => (without.has(to) && kinds.includes(message.kind) ? [] : [message]) };
};
