/**
 * Orders what no client signed: real envelopes with other operations under the old signature, invented ones in the name
 * of a client or of another replica, and some longer than any may be. As primary it puts them into its batches in the
 * place of real ones, otherwise it passes them on as if clients had sent them.
 */
import type { Prng } from '../../base/index.js';
import {
  decodeBatch,
  decodeEnvelope,
  encodeEnvelopeBody,
  sealEnvelope,
  sealWithMacs,
} from '../../codec/index.js';
import type { Batch, Envelope, EnvelopeBody, Requests } from '../../codec/index.js';
import { forgetBeyond, type BehaviourFactory, type Seat } from './behaviour.js';
import { envelopeOf } from './held-envelopes.js';
import { retelling, type OwnBatch } from './retelling.js';

const remembered = 64;
const everyMs = 50;
const signatureBytes = 64;
const nonceBytes = 16;
/** A greatest envelope beyond this would cost every run too much. */
const tooLongMax = 64 << 10;

type Signed = Envelope & { readonly body: Requests };

const randomBytes = (random: Prng, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random.below(256));

export const forgeEnvelopes: BehaviourFactory = (seat) => {
  const { random, peers } = seat;
  const oneIn = random.pick([1, 4, 16]);
  const known = new Known();
  let lastMs = 0;

  function forgedBatch(batch: OwnBatch): Batch | null {
    for (const envelope of batch.envelopes) known.note(decodeEnvelope(envelope));
    const forged = random.chance(1, oneIn) ? forge(seat, known.all) : null;
    return forged === null ? null : { time: batch.time, envelopes: [forged, ...batch.envelopes.slice(1)] };
  }

  return {
    ...retelling(seat, forgedBatch),
    fromOutside: (input) => {
      known.note(envelopeOf(input));
      if (input.kind === 'message' && input.message.kind === 'prePrepare')
        for (const envelope of decodeBatch(input.message.batch)?.envelopes ?? [])
          known.note(decodeEnvelope(envelope));
      return [input];
    },
    besides: (nowMs) => {
      if (nowMs < lastMs + everyMs) return [];
      lastMs = nowMs;
      const envelope = forge(seat, known.all);
      if (envelope === null) return [];
      return [{ kind: 'send', to: random.pick(peers), message: { kind: 'forward', envelope } }];
    },
  };
};

/** The last envelopes of requests that it has seen. */
class Known {
  readonly #envelopes = new Map<string, Signed>();

  get all(): readonly Signed[] {
    return [...this.#envelopes.values()];
  }

  note(envelope: Envelope | null): void {
    if (envelope?.body.kind !== 'requests') return;
    const { body } = envelope;
    this.#envelopes.set(`${body.session}/${body.firstNumber}`, { ...envelope, body });
    forgetBeyond(this.#envelopes, remembered);
  }
}

/** The bytes of one; null: it has seen none yet. */
function forge(seat: Seat, known: readonly Signed[]): Uint8Array | null {
  if (known.length === 0) return null;
  const { random, config, peers } = seat;
  const envelope = random.pick(known);
  const { body } = envelope;
  const [operation] = random.pick(known).body.operations;
  const operations = [operation!];
  switch (random.below(5)) {
    case 0:
    case 1:
      return sealedAs(envelope, { ...body, operations: body.operations.map(() => operation!) });
    case 2: {
      // What its client will ask for next, but that the client has not asked for it.
      const firstNumber = body.firstNumber + body.operations.length;
      return sealed({ ...body, firstNumber, operations }, randomBytes(random, signatureBytes));
    }
    case 3: {
      const nonce = randomBytes(random, nonceBytes);
      const rejoin = { kind: 'rejoin', replica: random.pick(peers), startedAt: 2 ** 40, nonce } as const;
      return sealed(rejoin, seat.sign('rejoin', encodeEnvelopeBody(rejoin)));
    }
    default: {
      const length = Math.min(config.envelopeBytesMax, tooLongMax) + 1;
      return sealedAs(envelope, { ...body, operations: [new Uint8Array(length)] });
    }
  }
}

/** Under what its client gave for another body. */
function sealedAs({ signature, macs }: Envelope, body: EnvelopeBody): Uint8Array {
  if (signature !== null) return sealed(body, signature);
  return sealWithMacs(body, encodeEnvelopeBody(body), macs!).bytes;
}

function sealed(body: EnvelopeBody, signature: Uint8Array): Uint8Array {
  return sealEnvelope(body, encodeEnvelopeBody(body), signature).bytes;
}
