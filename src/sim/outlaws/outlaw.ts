/**
 * What a client is made of that keeps to no rule: its own key, a stream to each replica, and any bytes it likes. Nothing is
 * promised to it, and no checker looks at what it was told; but what is executed for it is in the committed order, where
 * everything must be right. It cannot sign for others, and where it inserts and takes, the tuples are its own: what a
 * space without guards allows to anybody is no attack. Whatever behaviours keep is bounded.
 */
import type { ClientId, Prng, ReplicaId, SessionId } from '../../base/index.js';
import {
  encodeClientMessage,
  encodeEnvelopeBody,
  encodeOperation,
  normalizeTuple,
  sealEnvelope,
} from '../../codec/index.js';
import type { Envelope, EnvelopeBody, Operation, Template } from '../../codec/index.js';
import type { LeaseLimits } from '../checkers/tuple-space-model.js';

/** A request of somebody else that it has heard of. */
export interface Overheard {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly number: number;
}

export interface OutlawSeat {
  readonly client: ClientId;
  readonly replicas: readonly ReplicaId[];
  readonly random: Prng;
  readonly leaseLimits: LeaseLimits;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  /** Null: clients sign, and MACs are good for nothing. It may sign where others make MACs. */
  readonly makeMacs: ((bytes: Uint8Array) => Uint8Array) | null;
  /** Its newest. */
  readonly session: () => SessionId;
  /** The first of so many fresh request numbers. */
  readonly takeNumbers: (count: number) => number;
  /** The last ones of others, oldest first. */
  readonly overheard: () => readonly Overheard[];
  /** Spaces that it was told of. */
  readonly spaces: () => readonly string[];
  /** Puts bytes on the stream to the replica. */
  readonly say: (to: ReplicaId, bytes: Uint8Array) => void;
}

export interface OutlawBehaviour {
  readonly everyMs: number;
  /** It has done enough then: a run has to end. */
  readonly timesMax: number;
  /** Once it has a session. */
  readonly act: () => void;
}

/** One behaviour a file; each call is a new instance with its own memory. */
export type OutlawFactory = (seat: OutlawSeat) => OutlawBehaviour;

export function sealed({ sign }: OutlawSeat, body: EnvelopeBody): Envelope {
  const signedBytes = encodeEnvelopeBody(body);
  return sealEnvelope(body, signedBytes, sign(signedBytes));
}

/** Its next requests in an envelope as it should be, but for `changes`. What it was answered it does not want again. */
export function requestsOf(
  seat: OutlawSeat,
  operations: readonly Uint8Array[],
  changes: Partial<Extract<EnvelopeBody, { readonly kind: 'requests' }>> = {},
): EnvelopeBody {
  const firstNumber = changes.firstNumber ?? seat.takeNumbers(operations.length);
  return {
    kind: 'requests',
    client: seat.client,
    session: seat.session(),
    lowestUnanswered: firstNumber,
    operations,
    finished: [],
    ...changes,
    firstNumber,
  };
}

export function submit(
  seat: OutlawSeat,
  envelope: Uint8Array,
  to: readonly ReplicaId[] = seat.replicas,
): void {
  const bytes = encodeClientMessage({ kind: 'submit', envelope });
  for (const replica of to) seat.say(replica, bytes);
}

/** Asks everybody for it, as a correct client would. */
export function ask(seat: OutlawSeat, ...operations: readonly Operation[]): void {
  submit(seat, sealed(seat, requestsOf(seat, operations.map(encodeOperation))).bytes);
}

export const space = 'default';

/** Tuples that nobody else asks for. */
export const ownTuple = (...rest: readonly (string | number)[]): ReturnType<typeof normalizeTuple> =>
  normalizeTuple(['outlaw', ...rest]);

export const ownTemplate = (arity: number): Template => [
  { kind: 'value', value: 'outlaw' },
  ...Array.from({ length: arity - 1 }, () => ({ kind: 'any' }) as const),
];
