/** Byzantine behaviours by name, and replicas that have several of them at once. */
import type { Prng, ReplicaId } from '../../base/index.js';
import type { Surroundings, Tampering } from '../world-options.js';
import type { Behaviour, BehaviourFactory } from './behaviour.js';
import { spoil } from './behaviour.js';
import { corruptVotes } from './corrupt-votes.js';
import { equivocate } from './equivocate.js';
import { falseState } from './false-state.js';
import { falseViewChanges } from './false-view-changes.js';
import { lieToClients } from './lie-to-clients.js';
import { replayOld } from './replay-old.js';
import { selective } from './selective.js';
import { wrongTime } from './wrong-time.js';

export const behaviours: Readonly<Record<string, BehaviourFactory>> = {
  'corrupt-votes': corruptVotes,
  equivocate,
  'false-state': falseState,
  'false-view-changes': falseViewChanges,
  'lie-to-clients': lieToClients,
  'replay-old': replayOld,
  selective,
  'wrong-time': wrongTime,
};

/** Which replicas are Byzantine, and in what ways. */
export type Adversaries = ReadonlyMap<ReplicaId, readonly string[]>;

/** Spoils the adversaries' outputs, behind what `beneath` does. */
export function withAdversaries(adversaries: Adversaries, random: Prng, beneath: Tampering = {}): Tampering {
  const instances = new Map<ReplicaId, readonly Behaviour[]>();
  const instancesOf = (replica: ReplicaId, world: Surroundings): readonly Behaviour[] => {
    let found = instances.get(replica);
    if (found === undefined) {
      const peers = world.replicas.map(({ id }) => id).filter((id) => id !== replica);
      const names = adversaries.get(replica) ?? [];
      const seat = { replica, peers, world };
      found = names.map((name) =>
        behaviours[name]!({ ...seat, random: random.stream(`${replica} ${name}`) }),
      );
      instances.set(replica, found);
    }
    return found;
  };
  return {
    ...beneath,
    outputs: (outputs, replica, world, input) => {
      const own = beneath.outputs?.(outputs, replica, world, input) ?? outputs;
      if (!adversaries.has(replica)) return own;
      const peers = world.replicas.map(({ id }) => id).filter((id) => id !== replica);
      return spoil(own, peers, instancesOf(replica, world));
    },
  };
}
