/**
 * Envelopes that each replica gets with a signature of its own: as it should be, one that looks right to that replica alone
 * if it looks at no more than its own part (MAC vectors, pitfall 1), or one that is no good at all. Where clients make MACs,
 * the parts are those.
 */
import type { ReplicaId } from '../../base/index.js';
import { encodeOperation, macBytes, sealEnvelope, sealWithMacs } from '../../codec/index.js';
import type { Envelope } from '../../codec/index.js';
import { requestsOf, ownTemplate, sealed, space, submit } from './outlaw.js';
import type { OutlawFactory, OutlawSeat } from './outlaw.js';

/** A simulated signature is a digest and as many zeros. */
const vectorAt = 32;

/** All others' parts are no good; of some envelopes no part is. */
function signedFor(
  { random }: OutlawSeat,
  { body, signedBytes, signature }: Envelope,
  to: ReplicaId,
): Envelope {
  const mine = Uint8Array.from(signature!, (byte, at) =>
    at >= vectorAt && at !== vectorAt + to ? byte ^ 1 : byte,
  );
  if (random.chance(1, 8)) mine[random.below(vectorAt)]! ^= 1;
  return sealEnvelope(body, signedBytes, mine);
}

/** The same in MACs. */
function macedFor(
  { random }: OutlawSeat,
  { body, signedBytes }: Envelope,
  macs: Uint8Array,
  to: ReplicaId,
): Envelope {
  const mine = macs.map((byte, at) => (Math.floor(at / macBytes) === to ? byte : byte ^ 1));
  if (random.chance(1, 8)) mine[to * macBytes]! ^= 1;
  return sealWithMacs(body, signedBytes, mine);
}

export const partialSignatures: OutlawFactory = (seat) => ({
  everyMs: 60,
  timesMax: 200,
  act: () => {
    const count = encodeOperation({ kind: 'count', space, template: ownTemplate(2) });
    const whole = sealed(seat, requestsOf(seat, [count]));
    const macs = seat.makeMacs?.(whole.signedBytes);
    for (const to of seat.replicas) {
      const part = macs === undefined ? signedFor(seat, whole, to) : macedFor(seat, whole, macs, to);
      submit(seat, part.bytes, [to]);
    }
  },
});
