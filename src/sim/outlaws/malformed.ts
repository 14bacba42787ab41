/**
 * Bytes that mean nothing, wherever bytes go: messages, envelopes with a signature that holds, operations; flipped, cut,
 * too long, too many or far too large.
 */
import type { Prng } from '../../base/index.js';
import { encodeClientMessage, encodeOperation, sealEnvelope } from '../../codec/index.js';
import { ownTuple, requestsOf, sealed, space, submit } from './outlaw.js';
import type { OutlawFactory } from './outlaw.js';

/** Beyond what an envelope may be; seldom, since it costs everybody who simulates it. */
const hugeBytes = 3 << 20;

function spoilt(bytes: Uint8Array, random: Prng): Uint8Array {
  const copy = Uint8Array.from(bytes);
  switch (random.below(4)) {
    case 0:
      if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
      return copy;
    case 1:
      return copy.subarray(0, random.below(copy.length + 1));
    case 2:
      return Uint8Array.from({ length: copy.length + 9 }, (_, at) => copy[at] ?? random.below(256));
    default:
      return Uint8Array.from({ length: random.below(80) }, () => random.below(256));
  }
}

export const malformed: OutlawFactory = (seat) => {
  const { random, replicas, sign } = seat;
  const good = (): Uint8Array =>
    encodeOperation({ kind: 'out', space, tuple: ownTuple('malformed'), lease: seat.leaseLimits.leaseMinMs });
  const noOperation = (): Uint8Array => spoilt(good(), random);
  const ways: readonly (() => void)[] = [
    () => submit(seat, sealed(seat, requestsOf(seat, [noOperation(), good(), noOperation()])).bytes),
    () => {
      const { body, signedBytes } = sealed(seat, requestsOf(seat, [good()]));
      const bytes = spoilt(signedBytes, random);
      submit(seat, sealEnvelope(body, bytes, sign(bytes)).bytes);
    },
    () => submit(seat, spoilt(sealed(seat, requestsOf(seat, [good()])).bytes, random)),
    () => {
      const { bytes: envelope } = sealed(seat, requestsOf(seat, [good()]));
      const message = encodeClientMessage({ kind: 'submit', envelope });
      for (const to of replicas) seat.say(to, spoilt(message, random));
    },
    () => {
      const operation = random.chance(1, 2) ? noOperation() : good();
      const readId = random.below(1 << 20);
      for (const to of replicas) seat.say(to, encodeClientMessage({ kind: 'read', readId, operation }));
    },
    // Nothing but numbers used up: operations that are not there.
    () => submit(seat, sealed(seat, requestsOf(seat, Array<Uint8Array>(700).fill(new Uint8Array()))).bytes),
  ];
  let acts = 0;
  return {
    everyMs: 50,
    timesMax: 200,
    act: () => {
      random.pick(ways)();
      if (++acts % 80 !== 0) return;
      submit(seat, sealed(seat, requestsOf(seat, [new Uint8Array(hugeBytes)])).bytes);
    },
  };
};
