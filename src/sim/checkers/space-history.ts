/**
 * The exhaustive search of linearizability.ts on the history of a small simulation, with the naive model driven
 * by ordered time. What was ordered happens at the ordered time of its batch, and times never run back; a fast
 * read happens at any time up to the next, so that entries may have expired meanwhile.
 */
import { equalBytes } from '../../base/index.js';
import { encodeResult } from '../../codec/index.js';
import type { HistoryEntry } from '../history.js';
import { checkLinearizable } from './linearizability.js';
import type { Interval, SequentialModel } from './linearizability.js';
import { advanceSpace, applyToSpace, emptySpace, spaceStateKey } from './tuple-space-model.js';
import type { LeaseLimits, SpaceCall, SpaceState } from './tuple-space-model.js';

type Possible = readonly (readonly [SpaceState, Uint8Array])[];

export function spaceModel(limits: LeaseLimits): SequentialModel<SpaceState, SpaceCall, Uint8Array> {
  const run = (state: SpaceState, call: SpaceCall): Possible[number] => {
    const [next, result] = applyToSpace(state, call, limits);
    return [next, encodeResult(result)];
  };
  return {
    initial: emptySpace,
    apply: (state, call): Possible => {
      if (call.time !== null) return call.time < state.time ? [] : [run(state, call)];
      return moments(state).map((time) => run(advanceSpace(state, time), call));
    },
    keyOf: spaceStateKey,
    isSameResult: equalBytes,
  };
}

/** Times from now on at which something changes by itself. */
function moments(state: SpaceState): readonly number[] {
  const deadlines = state.entries.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
  return [...new Set([state.time, ...deadlines])].sort((a, b) => a - b);
}

/** `callOf` gives an entry its client and ordered time, or null if it was never executed. */
export function checkSpaceHistory(
  history: readonly HistoryEntry[],
  callOf: (entry: HistoryEntry) => SpaceCall | null,
  limits: LeaseLimits,
): void {
  const intervals: Interval<SpaceCall, Uint8Array>[] = [];
  for (const entry of history) {
    const { outcome, invokedUs, respondedUs } = entry;
    const call = callOf(entry);
    if (call === null) continue;
    const isAnswered = outcome?.kind === 'result' && respondedUs !== null;
    const answer = isAnswered ? { at: respondedUs, result: outcome.result } : null;
    intervals.push({ call, invokedAt: invokedUs, answer });
  }
  checkLinearizable(spaceModel(limits), intervals);
}
