/**
 * A fast read shows no entry that may be over (DESIGN section 8). What can be proved: a quorum answered alike,
 * so at least one correct replica did; at that moment the deadline was more than clockSkewMax past its clock, and
 * this clock was behind true time by the clocks' error at most. Hence, with true times,
 *
 *   deadline > invocation of the read + clockSkewMax − clock error
 *
 * where the error includes the time between two ticks. Counts show no deadlines; checkFastReads looks at those.
 */
import { decodeResult } from '../../codec/index.js';
import type { Entry } from '../../codec/index.js';
import type { HistoryEntry } from '../history.js';
import { nameOf } from './replay.js';
import { violated } from './violation.js';

export interface ClockBounds {
  readonly clockSkewMaxMs: number;
  /** How far behind true time a correct replica's idea of it may be. */
  readonly clockErrorMaxMs: number;
}

/** `epochMs`: the clocks' reading at virtual time 0. */
export function checkFastReadDeadlines(
  history: readonly HistoryEntry[],
  { clockSkewMaxMs, clockErrorMaxMs }: ClockBounds,
  epochMs: number,
): void {
  for (const entry of history) {
    const { outcome, invokedUs } = entry;
    if (outcome?.kind !== 'result' || outcome.path !== 'fast') continue;
    const invokedMs = epochMs + Math.floor(invokedUs / 1_000);
    for (const { id, deadline } of entriesOf(outcome.result)) {
      if (deadline === null || deadline > invokedMs + clockSkewMaxMs - clockErrorMaxMs) continue;
      const left = deadline - invokedMs;
      violated('fast-read-deadlines', `${nameOf(entry)} shows entry ${id}, ${left} ms before its deadline`);
    }
  }
}

function entriesOf(bytes: Uint8Array): readonly Entry[] {
  const result = decodeResult(bytes);
  if (result?.kind === 'entries') return result.entries;
  return result?.kind === 'entry' && result.entry !== null ? [result.entry] : [];
}
