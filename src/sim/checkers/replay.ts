/**
 * Replays the committed order through a fresh state machine: every recorded result must come out again, and
 * each answer a client believed must be the one of its request's position. With `checkRealTime` this makes
 * a history linearizable by construction, at linear cost.
 */
import { equalBytes } from '../../base/index.js';
import type { StateMachine } from '../../ordering/index.js';
import type { HistoryEntry } from '../history.js';
import { requestKey } from './committed-order.js';
import type { CommittedStep, RequestKey } from './committed-order.js';
import { violated } from './violation.js';

/** Positions of requests in the committed order: numbers of steps, time's included. */
export type Positions = ReadonlyMap<RequestKey, number>;

export function positionsOf(steps: readonly CommittedStep[]): Positions {
  const positions = new Map<RequestKey, number>();
  for (const [index, { execution }] of steps.entries()) {
    if (execution === null) continue;
    const { session, number } = execution.operation;
    positions.set(requestKey(session, number), index);
  }
  return positions;
}

/** Takes one step; null if it was of time alone. */
export function takeStep(machine: StateMachine, { time, execution }: CommittedStep): Uint8Array | null {
  if (execution !== null) return machine.execute(execution.operation);
  machine.advanceTime(time);
  return null;
}

export function checkReplay(steps: readonly CommittedStep[], fresh: StateMachine): void {
  for (const [position, step] of steps.entries()) {
    const again = takeStep(fresh, step);
    if (again === null || equalBytes(again, step.execution!.result)) continue;
    const { session, number } = step.execution!.operation;
    const key = requestKey(session, number);
    violated('replay', `the replay gives another result for ${key} at position ${position}`);
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
  steps: readonly CommittedStep[],
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
    if (!equalBytes(outcome.result, steps[position]!.execution!.result))
      violated('replay', `${nameOf(entry)} was told another result than the committed one`);
  }
}
