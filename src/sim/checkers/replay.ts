/**
 * Replays the committed order through a fresh state machine: every recorded result must come out again, late ones
 * where they came, and each answer a client believed must be the one of its request. With `checkRealTime` this
 * makes a history linearizable by construction, at linear cost.
 */
import { equalBytes, type SessionId } from '../../base/index.js';
import type { Effects, StateMachine } from '../../ordering/index.js';
import type { HistoryEntry } from '../history.js';
import { isSameEffect, isSameResult, requestKey } from './committed-order.js';
import type { CommittedStep, Effect, RequestKey } from './committed-order.js';
import { violated } from './violation.js';

/** What became of a request in the committed order. */
export interface Place {
  /** The step that executed it. */
  readonly started: number;
  /** The step at which it took effect; null: it still waited at the end, or its session ended before. */
  readonly position: number | null;
  readonly result: Uint8Array | null;
  /** False: its session had no room for the late result. */
  readonly isGiven: boolean;
}

/** By request. */
export type Positions = ReadonlyMap<RequestKey, Place>;

export function positionsOf(steps: readonly CommittedStep[]): Positions {
  const positions = new Map<RequestKey, Place>();
  for (const [index, { execution, effects }] of steps.entries()) {
    if (execution !== null) {
      const { operation, result } = execution;
      const position = result === null ? null : index;
      positions.set(requestKey(operation.session, operation.number), {
        started: index,
        position,
        result,
        isGiven: true,
      });
    }
    for (const { session, number, result, isGiven } of effects) {
      const key = requestKey(session, number);
      const place = positions.get(key);
      if (place === undefined || place.position !== null)
        violated('replay', `${key} was woken, but did not wait`);
      positions.set(key, { ...place, position: index, result, isGiven });
    }
  }
  return positions;
}

/** Takes one step; null if it was of time alone, or if the operation waits. */
export function takeStep(
  machine: StateMachine,
  { time, execution, ended }: CommittedStep,
  effects: Effects,
): Uint8Array | null {
  if (execution !== null) return machine.execute(execution.operation, effects);
  for (const session of ended) machine.endSession?.(session);
  machine.advanceTime(time, effects);
  return null;
}

/** Answers as the replicas' sessions did, and compares what is woken with whom they woke. */
class ReplayedEffects implements Effects {
  readonly #machine: StateMachine;
  readonly #expected: readonly Effect[];
  readonly #ended: readonly SessionId[];
  readonly #position: number;
  #count = 0;

  constructor(machine: StateMachine, { effects, ended }: CommittedStep, position: number) {
    this.#machine = machine;
    this.#expected = effects;
    this.#ended = ended;
    this.#position = position;
  }

  resolve(session: Effect['session'], number: number, result: Uint8Array): boolean {
    const expected = this.#expected[this.#count++];
    const isGiven = expected?.isGiven ?? true;
    if (expected === undefined || !isSameEffect(expected, { session, number, result, isGiven }))
      this.#differs(requestKey(session, number));
    return isGiven;
  }

  notify(): void {
    // What feeds tell is checked where it is told.
  }

  endClient(): void {
    for (const session of this.#ended) this.#machine.endSession?.(session);
  }

  finish(): void {
    if (this.#count < this.#expected.length) this.#differs('nothing');
  }

  #differs(what: string): never {
    violated('replay', `the replay wakes ${what} at position ${this.#position}, the replicas did not`);
  }
}

/** Through a machine of which only the state is of interest. */
export function stepQuietly(machine: StateMachine, step: CommittedStep, position: number): Uint8Array | null {
  return takeStep(machine, step, new ReplayedEffects(machine, step, position));
}

export function checkReplay(steps: readonly CommittedStep[], fresh: StateMachine): void {
  for (const [position, step] of steps.entries()) {
    const effects = new ReplayedEffects(fresh, step, position);
    const again = takeStep(fresh, step, effects);
    effects.finish();
    if (step.execution === null || isSameResult(again, step.execution.result)) continue;
    const { session, number } = step.execution.operation;
    const key = requestKey(session, number);
    violated('replay', `the replay gives another result for ${key} at position ${position}`);
  }
}

/** What became of an entry's request, or undefined if it was never executed. */
export function placeOf(positions: Positions, entry: HistoryEntry): Place | undefined {
  let found: Place | undefined;
  for (const { session, number } of entry.requests) {
    const place = positions.get(requestKey(session, number));
    if (place === undefined) continue;
    if (found !== undefined)
      violated('exactly-once', `${nameOf(entry)} was executed twice, under two numbers`);
    found = place;
  }
  return found;
}

/** Where an entry's request took effect, or undefined if it never did. */
export const positionOf = (positions: Positions, entry: HistoryEntry): number | undefined =>
  placeOf(positions, entry)?.position ?? undefined;

export const nameOf = (entry: HistoryEntry): string =>
  `c${entry.client}#${entry.index} (${entry.operation.kind})`;

/** Each answer that a client believed against the committed order. */
export function checkAnswers(history: readonly HistoryEntry[], positions: Positions): void {
  for (const entry of history) {
    const place = placeOf(positions, entry);
    const outcome = entry.outcome;
    const isCertainlyNot = outcome?.kind === 'unavailable' || outcome?.kind === 'refused';
    if (isCertainlyNot && place?.isGiven === true)
      violated('replay', `${nameOf(entry)} was reported as certainly not executed, but it was`);
    if (outcome?.kind !== 'result' || outcome.path === 'fast') continue;
    if (place === undefined) violated('replay', `${nameOf(entry)} was answered but never executed`);
    if (place.result === null) violated('replay', `${nameOf(entry)} was answered, but it still waits`);
    if (!place.isGiven || !equalBytes(outcome.result, place.result))
      violated('replay', `${nameOf(entry)} was told another result than the committed one`);
  }
}
