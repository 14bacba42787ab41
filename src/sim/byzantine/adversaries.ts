/** Byzantine replicas in a simulated world. */
import type { Prng, ReplicaId } from '../../base/index.js';
import type { Authenticator } from '../../ordering/index.js';
import type { ReplicaCore } from '../replica-host.js';
import type { Tampering } from '../world-options.js';
import type { ByzantineCore } from './byzantine-core.js';
import { createByzantineCore } from './create.js';

/** Which replicas are Byzantine, and in what ways. */
export type Adversaries = ReadonlyMap<ReplicaId, readonly string[]>;

/** Puts behaviours around the adversaries; `beneath` is what the world is without them. */
export function withAdversaries(adversaries: Adversaries, random: Prng, beneath: Tampering = {}): Tampering {
  const keys = new Map<ReplicaId, Authenticator>();
  const spoilt = new Map<ReplicaId, ByzantineCore>();
  return {
    ...beneath,
    authenticator: (own, replica) => {
      keys.set(replica, own);
      return beneath.authenticator?.(own, replica) ?? own;
    },
    core: (core, replica, surroundings) => {
      const inside: ReplicaCore = beneath.core?.(core, replica, surroundings) ?? core;
      const names = adversaries.get(replica);
      if (names === undefined) return inside;
      const { hash, sign } = keys.get(replica)!;
      const byzantine = createByzantineCore({
        replica,
        names,
        inside: {
          step: (input) => inside.step(input),
          status: () => core.status(),
          stableState: () => core.stableState(),
        },
        config: surroundings.config,
        hash,
        sign,
        random,
        faulty: [...adversaries.keys()],
      });
      spoilt.set(replica, byzantine);
      return {
        step: (input) => byzantine.step(input),
        status: () => inside.status(),
        stateDigest: () => inside.stateDigest(),
        validate: () => inside.validate(),
      };
    },
    frames: (bytes, replica, to) => spoilt.get(replica)?.frames(to, bytes) ?? [bytes],
  };
}
