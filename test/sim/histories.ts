/** Hand-made histories and committed orders for the checkers' own tests. */
import { clientId, digest, sequenceNumber, sessionId } from '../../src/base/index.js';
import { encodeOperation, encodeResult } from '../../src/codec/index.js';
import type { Operation, Result } from '../../src/codec/index.js';
import type { StateMachine } from '../../src/ordering/index.js';
import { createService } from '../../src/service/index.js';
import { sha256 } from '../../src/sim/authenticator.js';
import { stepsOf } from '../../src/sim/checkers/committed-order.js';
import type { CommittedStep, DeliveredBatch, Execution } from '../../src/sim/checkers/committed-order.js';
import type { HistoryEntry } from '../../src/sim/history.js';
import { noEffects } from '../support/effects.js';

export const client = clientId('11'.repeat(32));
export const session = sessionId(7);

export const out = (key: string): Operation => ({ kind: 'out', space: 'default', tuple: [key], lease: null });
export const count: Operation = { kind: 'count', space: 'default', template: [{ kind: 'any' }] };

export const freshService = (): StateMachine => createService({ hash: sha256 });

/** An operation and its ordered time. */
export type Timed = readonly [time: number, operation: Operation];

/** What a fresh service answers to these operations, 1 ms apart, as request numbers 1, 2, 3, … of one session. */
export const executed = (operations: readonly Operation[]): Execution[] =>
  executedAt(operations.map((operation, index) => [1_000 + index, operation]));

export function executedAt(operations: readonly Timed[], service = freshService()): Execution[] {
  return operations.map(([time, operation], index) => {
    const ordered = {
      client,
      session,
      number: index + 1,
      operation: encodeOperation(operation),
      sequenceNumber: sequenceNumber(index + 1),
      time,
      isVerified: true,
      mayWait: true,
    };
    service.advanceTime(time, noEffects);
    return { operation: ordered, result: service.execute(ordered, noEffects), effects: [], ended: [] };
  });
}

/** Each execution in a batch of its own. */
export function batches(executions: readonly Execution[]): DeliveredBatch[] {
  return executions.map((execution, index) => ({
    sequenceNumber: sequenceNumber(index + 1),
    digest: digest(sha256(execution.operation.operation)),
    time: execution.operation.time,
    ended: [],
    effects: [],
    executions: [execution],
  }));
}

/** The steps that these batches are, the last one followed by `idle` times at which nothing was ordered. */
export const steps = (executions: readonly Execution[], idle: readonly number[] = []): CommittedStep[] => [
  ...stepsOf(batches(executions)),
  ...idle.map((time) => ({ time, execution: null, ended: [], effects: [] })),
];

interface Told {
  /** Request number, or null for a fast read. */
  readonly number: number | null;
  readonly operation: Operation;
  readonly from: number;
  readonly to: number | null;
  readonly result: Result | Uint8Array | 'unknown' | 'unavailable';
}

export function entry({ number, operation, from, to, result }: Told): HistoryEntry {
  const path = number === null ? 'fast' : 'ordered';
  return {
    client: 4,
    index: 1,
    operation,
    bytes: encodeOperation(operation),
    invokedUs: from,
    requests: number === null ? [] : [{ session, number }],
    waitsAs: null,
    respondedUs: to,
    outcome:
      result === 'unknown' || result === 'unavailable'
        ? { kind: result }
        : { kind: 'result', path, result: result instanceof Uint8Array ? result : encodeResult(result) },
  };
}
