/**
 * Replays the committed order through a fresh state machine: every recorded result must come out again, and
 * each answer a client believed must be the one of its request's position. With `checkRealTime` this makes
 * a history linearizable by construction, at linear cost.
 */
import { equalBytes } from '../../base/index.js';
import type { StateMachine } from '../../ordering/index.js';
import type { HistoryEntry } from '../history.js';
import { requestKey } from './committed-order.js';
import type { Execution, RequestKey } from './committed-order.js';
import { violated } from './violation.js';

/** Positions of requests in the committed order: 0, 1, 2, … counting operations, not batches. */
export type Positions = ReadonlyMap<RequestKey, number>;

export function positionsOf(executions: readonly Execution[]): Positions {
  return new Map(
    executions.map(({ operation }, index) => [requestKey(operation.session, operation.number), index]),
  );
}

export function checkReplay(executions: readonly Execution[], fresh: StateMachine): void {
  for (const [position, { operation, result }] of executions.entries()) {
    if (!equalBytes(fresh.execute(operation), result)) {
      const key = requestKey(operation.session, operation.number);
      violated('replay', `the replay gives another result for ${key} at position ${position}`);
    }
  }
}

/** Position of an entry's request, or undefined if it was never executed. */
export function positionOf(positions: Positions, entry: HistoryEntry): number | undefined {
  let found: number | undefined;
  for (const { session, number } of entry.requests) {
    const position = positions.get(requestKey(session, number));
    if (position === undefined) continue;
    if (found !== undefined)
      violated('exactly-once', `${nameOf(entry)} was executed twice, under two numbers`);
    found = position;
  }
  return found;
}

export const nameOf = (entry: HistoryEntry): string =>
  `c${entry.client}#${entry.index} (${entry.operation.kind})`;

/** Each answer that a client believed against the committed order. */
export function checkAnswers(
  history: readonly HistoryEntry[],
  executions: readonly Execution[],
  positions: Positions,
): void {
  for (const entry of history) {
    const position = positionOf(positions, entry);
    const outcome = entry.outcome;
    const isCertainlyNot = outcome?.kind === 'unavailable' || outcome?.kind === 'refused';
    if (isCertainlyNot && position !== undefined)
      violated('replay', `${nameOf(entry)} was reported as certainly not executed, but it was`);
    if (outcome?.kind !== 'result' || outcome.path === 'fast') continue;
    if (position === undefined) violated('replay', `${nameOf(entry)} was answered but never executed`);
    if (!equalBytes(outcome.result, executions[position]!.result))
      violated('replay', `${nameOf(entry)} was told another result than the committed one`);
  }
}
