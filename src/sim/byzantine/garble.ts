/** Frames that are no messages, or others than were meant: flipped, cut, longer, or noise. */
import { concatBytes } from '../../base/index.js';
import type { Prng } from '../../base/index.js';
import type { BehaviourFactory } from './behaviour.js';

const noiseMax = 64;

const noise = (random: Prng): Uint8Array =>
  Uint8Array.from({ length: random.below(noiseMax) }, () => random.below(256));

export const garble: BehaviourFactory = ({ random }) => {
  const oneIn = random.pick([1, 4, 16]);
  function garbled(bytes: Uint8Array): Uint8Array {
    switch (random.below(4)) {
      case 0: {
        const at = random.below(bytes.length);
        return bytes.map((byte, index) => (index === at ? byte ^ (1 << random.below(8)) : byte));
      }
      case 1:
        return bytes.slice(0, random.below(bytes.length));
      case 2:
        return concatBytes([bytes, noise(random)]);
      default:
        return noise(random);
    }
  }
  return {
    toWire: (_to, bytes) => (bytes.length > 0 && random.chance(1, oneIn) ? [garbled(bytes)] : [bytes]),
  };
};
