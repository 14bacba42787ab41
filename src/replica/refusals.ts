/**
 * What the service has refused since this replica started, as it counts it itself. Told by `status` and metrics; no
 * part of the replicated state, so replicas may differ.
 */
import { statusRefusalsMax, type RefusalCount } from '../codec/index.js';

/** Null: the state machine is somebody's own and counts nothing. */
export type RefusalSource = { refusals(): readonly RefusalCount[] } | null;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The most frequent ones, those first. */
export function largestRefusals(counts: readonly RefusalCount[]): readonly RefusalCount[] {
  return [...counts]
    .sort(
      (a, b) =>
        b.count - a.count ||
        compareText(a.code, b.code) ||
        compareText(a.client, b.client) ||
        compareText(a.space, b.space),
    )
    .slice(0, statusRefusalsMax);
}
