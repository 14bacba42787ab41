/**
 * Agreement (TOCS'02 section 2.4, safety): all correct replicas deliver the same batch, with the same
 * executions and results, at each sequence number, forever and across restarts. The first delivery of a
 * sequence number defines what all later ones must equal; the sequence of them is the committed order that
 * the history checkers replay.
 */
import { equalBytes } from '../../base/index.js';
import type { Digest, SequenceNumber, SessionId } from '../../base/index.js';
import type { OrderedOperation } from '../../ordering/index.js';
import { violated } from './violation.js';

/** The late outcome of an operation that waited. */
export interface Effect {
  readonly session: SessionId;
  readonly number: number;
  readonly result: Uint8Array;
  /** False: the session had no room for the result. */
  readonly isGiven: boolean;
}

/** An operation that a correct replica executed, what its state machine answered (null: it waits) and did to others. */
export interface Execution {
  readonly operation: OrderedOperation;
  readonly result: Uint8Array | null;
  readonly effects: readonly Effect[];
  /** Sessions of a client that is none any more by this operation. */
  readonly ended: readonly SessionId[];
}

/** What a state machine did for one batch: sessions ended, time passed, operations were executed. */
export interface ExecutedBatch {
  readonly ended: readonly SessionId[];
  /** Of the passing of time. */
  readonly effects: readonly Effect[];
  readonly executions: readonly Execution[];
}

export interface DeliveredBatch extends ExecutedBatch {
  readonly sequenceNumber: SequenceNumber;
  readonly digest: Digest;
  readonly time: number;
}

/**
 * The committed order step by step: sessions end and ordered time comes to `time`, or (execution) an operation is
 * executed then, and the sessions of a client that it ends are over.
 */
export interface CommittedStep {
  readonly time: number;
  readonly execution: Execution | null;
  readonly ended: readonly SessionId[];
  readonly effects: readonly Effect[];
}

export type RequestKey = string;

/** Names a request across the cluster: sessions are never reused. */
export const requestKey = (session: SessionId, number: number): RequestKey => `${session}#${number}`;

export class CommittedOrder {
  readonly #batches = new Map<SequenceNumber, DeliveredBatch>();
  #highest = 0;

  /** Highest sequence number that some correct replica delivered. */
  get highest(): number {
    return this.#highest;
  }

  get(sequenceNumber: SequenceNumber): DeliveredBatch | undefined {
    return this.#batches.get(sequenceNumber);
  }

  /** Notes a delivery; tells whether it is the first of its sequence number. */
  deliver(replica: number, batch: DeliveredBatch): boolean {
    const first = this.#batches.get(batch.sequenceNumber);
    if (first === undefined) {
      this.#batches.set(batch.sequenceNumber, batch);
      this.#highest = Math.max(this.#highest, batch.sequenceNumber);
      return true;
    }
    compare(replica, first, batch);
    return false;
  }

  /** All batches, in order. Sequence numbers that no replica delivered are violations. */
  batches(): DeliveredBatch[] {
    const all: DeliveredBatch[] = [];
    for (let number = 1; number <= this.#highest; number++) {
      const batch = this.#batches.get(number as SequenceNumber);
      if (batch === undefined) violated('agreement', `nobody delivered ${number}, yet ${this.#highest} was`);
      all.push(batch);
    }
    return all;
  }
}

/** Every batch first moves time, an empty one does nothing else. */
export function stepsOf(batches: readonly DeliveredBatch[]): CommittedStep[] {
  return batches.flatMap(({ time, ended, effects, executions }): CommittedStep[] => [
    { time, execution: null, ended, effects },
    ...executions.map((execution) => ({
      time,
      execution,
      ended: execution.ended,
      effects: execution.effects,
    })),
  ]);
}

function compare(replica: number, first: DeliveredBatch, batch: DeliveredBatch): void {
  const where = `replica ${replica} at ${batch.sequenceNumber}`;
  if (batch.digest !== first.digest)
    violated(
      'agreement',
      `${where} delivered ${batch.digest.slice(0, 8)}, others ${first.digest.slice(0, 8)}`,
    );
  if (batch.time !== first.time)
    violated('agreement', `${where} has time ${batch.time}, others ${first.time}`);
  if (batch.executions.length !== first.executions.length) {
    const [ours, theirs] = [batch.executions.length, first.executions.length];
    violated('agreement', `${where} executed ${ours} operations, others ${theirs}`);
  }
  if (batch.ended.join() !== first.ended.join()) violated('agreement', `${where} ended other sessions`);
  if (!isSameEffects(batch.effects, first.effects))
    violated('agreement', `${where} let other waits end as time passed`);
  for (const [index, execution] of batch.executions.entries()) {
    const other = first.executions[index]!;
    const { session, number, operation, time } = execution.operation;
    const isSame =
      session === other.operation.session &&
      number === other.operation.number &&
      time === other.operation.time &&
      equalBytes(operation, other.operation.operation);
    if (!isSame) violated('agreement', `${where} executed another operation as number ${index} of the batch`);
    if (!isSameResult(execution.result, other.result))
      violated('agreement', `${where} got another result for ${requestKey(session, number)}`);
    if (!isSameEffects(execution.effects, other.effects))
      violated('agreement', `${where} woke others by ${requestKey(session, number)}`);
    if (execution.ended.join() !== other.ended.join())
      violated('agreement', `${where} ended other sessions by ${requestKey(session, number)}`);
  }
}

export const isSameResult = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : equalBytes(a, b);

const isSameEffects = (a: readonly Effect[], b: readonly Effect[]): boolean =>
  a.length === b.length && a.every((effect, index) => isSameEffect(effect, b[index]!));

export const isSameEffect = (a: Effect, b: Effect): boolean =>
  a.session === b.session &&
  a.number === b.number &&
  a.isGiven === b.isGiven &&
  equalBytes(a.result, b.result);
