/**
 * Envelopes that each replica gets with a signature of its own: as it should be, one that looks right to that replica alone
 * if it looks at no more than its own part (MAC vectors, pitfall 1), or one that is no good at all. Where clients make MACs,
 * the parts are those.
 */
import { requestsOf, ownTemplate, sealed, space, submit, type OutlawFactory } from './outlaw.js';
import { encodeOperation, macBytes, sealEnvelope, sealWithMacs } from '../../codec/index.js';

/** A simulated signature is a digest and as many zeros. */
const vectorAt = 32;

export const partialSignatures: OutlawFactory = (seat) => ({
  everyMs: 60,
  timesMax: 200,
  act: () => {
    const { random, replicas, makeMacs } = seat;
    const count = encodeOperation({ kind: 'count', space, template: ownTemplate(2) });
    const { body, signedBytes, signature } = sealed(seat, requestsOf(seat, [count]));
    for (const to of replicas) {
      if (makeMacs !== null) {
        const macs = makeMacs(signedBytes).map((byte, at) =>
          Math.floor(at / macBytes) === to ? byte : byte ^ 1,
        );
        if (random.chance(1, 8)) macs[to * macBytes]! ^= 1;
        submit(seat, sealWithMacs(body, signedBytes, macs).bytes, [to]);
        continue;
      }
      // All others' parts are no good; of some envelopes no part is.
      const mine = Uint8Array.from(signature!, (byte, at) =>
        at >= vectorAt && at !== vectorAt + to ? byte ^ 1 : byte,
      );
      if (random.chance(1, 8)) mine[random.below(vectorAt)]! ^= 1;
      submit(seat, sealEnvelope(body, signedBytes, mine).bytes, [to]);
    }
  },
});
