/** A replica with behaviours by name around it: what a simulated cluster and a real process have in common. */
import { replicaId, type HashFunction, type Prng, type ReplicaId } from '../../base/index.js';
import type { Authenticator, OrderingConfig } from '../../ordering/index.js';
import type { Seat } from './behaviour.js';
import { ByzantineCore, type Stepping } from './byzantine-core.js';
import { behaviours } from './table.js';

export interface ByzantineOptions {
  readonly replica: ReplicaId;
  /** Names of behaviours, in the order in which things pass them. */
  readonly names: readonly string[];
  /** The real replica, or what stands in for its steps. */
  readonly inside: Stepping & Seat['inside'];
  readonly config: Omit<OrderingConfig, 'id'>;
  readonly hash: HashFunction;
  readonly sign: Authenticator['sign'];
  /** The same for all who are faulty: each draws from a stream of its own, and what they conspire about from a common one. */
  readonly random: Prng;
  /** All who are faulty; itself too or not. */
  readonly faulty: readonly ReplicaId[];
}

export function createByzantineCore(options: ByzantineOptions): ByzantineCore {
  const { replica, names, inside, config, hash, sign, random, faulty } = options;
  const { n } = config;
  const peers = Array.from({ length: n }, (_, index) => replicaId(index)).filter((id) => id !== replica);
  const friends = peers.filter((id) => faulty.includes(id));
  const seat = { replica, n, peers, friends, config, hash, sign, inside };
  const seated = names.map((name) =>
    behaviours[name]!({
      ...seat,
      random: random.stream(`${replica} ${name}`),
      shared: random.stream('shared'),
    }),
  );
  return new ByzantineCore(inside, peers, seated);
}
