/**
 * Fast reads are linearizable (Berger, Reiser & Bessani 2021): each must fit at one point of the committed
 * order, after everything answered before it was invoked and before everything invoked after its answer,
 * and these points must respect the reads' own real-time order. Taking the earliest point that fits is
 * optimal, because every constraint between reads has the form "not before". Linear but for the few
 * positions that a read is concurrent with.
 */
import { equalBytes } from '../../base/index.js';
import type { HistoryEntry } from '../history.js';
import type { CommittedStep } from './committed-order.js';
import { nameOf, positionOf } from './replay.js';
import type { Positions } from './replay.js';
import { violated } from './violation.js';

/** What reads are held against. */
export interface ReadModel {
  /** Takes the next step of the committed order. */
  take(step: CommittedStep, position: number): void;
  /** Answers a read on the current state, however close a deadline is. */
  query(entry: HistoryEntry): Uint8Array | null;
}

type Query = ReadModel['query'];

interface PlacedRead {
  readonly entry: HistoryEntry;
  /** Number of steps taken at the earliest and the latest possible point. */
  readonly low: number;
  readonly high: number;
}

export function checkFastReads(
  history: readonly HistoryEntry[],
  steps: readonly CommittedStep[],
  positions: Positions,
  fresh: ReadModel,
): void {
  const query: Query = (entry) => fresh.query(entry);
  const reads = placeReads(history, steps.length, positions);
  let open: PlacedRead[] = [];
  let next = 0;
  for (let taken = 0; taken <= steps.length; taken++) {
    if (taken > 0) fresh.take(steps[taken - 1]!, taken - 1);
    while (next < reads.length && reads[next]!.low <= taken) open.push(reads[next++]!);
    open = settle(open, taken, query);
  }
}

/** Removes the reads that fit at this point; `open` is in order of invocation, as `low` is. */
function settle(open: readonly PlacedRead[], taken: number, query: Query): PlacedRead[] {
  const left: PlacedRead[] = [];
  let earliestOpenResponse = Infinity;
  for (const read of open) {
    const { entry, high } = read;
    // Reads answered before this one began must have found their point first.
    const isFree = earliestOpenResponse >= entry.invokedUs;
    if (isFree && taken <= high && fits(entry, query)) continue;
    if (taken >= high) refuse(read);
    left.push(read);
    earliestOpenResponse = Math.min(earliestOpenResponse, entry.respondedUs!);
  }
  return left;
}

function fits(entry: HistoryEntry, query: Query): boolean {
  const answer = query(entry);
  return answer !== null && entry.outcome?.kind === 'result' && equalBytes(answer, entry.outcome.result);
}

function refuse(read: PlacedRead): never {
  const where = `${read.low} and ${read.high}`;
  violated('fast-reads', `the answer of ${nameOf(read.entry)} fits nowhere between positions ${where}`);
}

function placeReads(history: readonly HistoryEntry[], count: number, positions: Positions): PlacedRead[] {
  const isFast = (entry: HistoryEntry): boolean =>
    entry.outcome?.kind === 'result' && entry.outcome.path === 'fast';
  const reads = history.filter(isFast).sort((a, b) => a.invokedUs - b.invokedUs);
  const placed = history.flatMap((entry) => {
    const position = positionOf(positions, entry);
    return position === undefined ? [] : [{ entry, position }];
  });
  const answered = placed.filter(
    ({ entry }) => entry.outcome?.kind === 'result' && entry.respondedUs !== null,
  );
  const low = prefixMaximum(answered.map(({ entry, position }) => [entry.respondedUs!, position + 1]));
  const high = prefixMaximum(placed.map(({ entry, position }) => [-entry.invokedUs, -position]));
  return reads.map((entry) => ({
    entry,
    low: Math.max(0, low(entry.invokedUs)),
    high: Math.min(count, -high(-entry.respondedUs!)),
  }));
}

/** From pairs (time, value): a function giving the greatest value whose time is before its argument. */
function prefixMaximum(pairs: [number, number][]): (time: number) => number {
  pairs.sort((a, b) => a[0] - b[0]);
  const maxima: number[] = [];
  for (const [, value] of pairs) maxima.push(Math.max(value, maxima.at(-1) ?? -Infinity));
  return (time) => {
    let [from, to] = [0, pairs.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (pairs[middle]![0] < time) from = middle + 1;
      else to = middle;
    }
    return from === 0 ? -Infinity : maxima[from - 1]!;
  };
}
