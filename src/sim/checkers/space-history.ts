/** The exhaustive search of linearizability.ts on the history of a small simulation, with the naive model. */
import { equalBytes } from '../../base/index.js';
import type { ClientId } from '../../base/index.js';
import { encodeResult } from '../../codec/index.js';
import type { HistoryEntry } from '../history.js';
import { checkLinearizable } from './linearizability.js';
import type { Interval, SequentialModel } from './linearizability.js';
import { applyToSpace, emptySpace, spaceStateKey } from './tuple-space-model.js';
import type { SpaceCall, SpaceState } from './tuple-space-model.js';

export const spaceModel: SequentialModel<SpaceState, SpaceCall, Uint8Array> = {
  initial: emptySpace,
  apply: (state, call) => {
    const [next, result] = applyToSpace(state, call);
    return [next, encodeResult(result)];
  },
  keyOf: spaceStateKey,
  isSameResult: equalBytes,
};

export function checkSpaceHistory(
  history: readonly HistoryEntry[],
  clientOf: (entry: HistoryEntry) => ClientId,
): void {
  const intervals: Interval<SpaceCall, Uint8Array>[] = [];
  for (const entry of history) {
    const { operation, outcome, invokedUs, respondedUs } = entry;
    if (outcome?.kind === 'unavailable' || outcome?.kind === 'refused') continue;
    const isAnswered = outcome?.kind === 'result' && respondedUs !== null;
    const answer = isAnswered ? { at: respondedUs, result: outcome.result } : null;
    intervals.push({ call: { client: clientOf(entry), operation }, invokedAt: invokedUs, answer });
  }
  checkLinearizable(spaceModel, intervals);
}
