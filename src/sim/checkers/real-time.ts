/**
 * The committed order respects real time: what was answered before another operation was invoked comes
 * before it (linearizability; Herlihy & Wing 1990). Operations with an unknown outcome that were executed
 * count as invoked but never answered.
 */
import type { HistoryEntry } from '../history.js';
import { nameOf, positionOf } from './replay.js';
import type { Positions } from './replay.js';
import { violated } from './violation.js';

interface Positioned {
  readonly entry: HistoryEntry;
  readonly position: number;
}

export function checkRealTime(history: readonly HistoryEntry[], positions: Positions): void {
  const placed: Positioned[] = [];
  for (const entry of history) {
    const position = positionOf(positions, entry);
    if (position !== undefined) placed.push({ entry, position });
  }
  const byInvocation = [...placed].sort((a, b) => a.entry.invokedUs - b.entry.invokedUs);
  const answered = placed.filter(
    ({ entry }) => entry.outcome?.kind === 'result' && entry.respondedUs !== null,
  );
  answered.sort((a, b) => a.entry.respondedUs! - b.entry.respondedUs!);
  let next = 0;
  let latest: Positioned | null = null;
  for (const { entry, position } of byInvocation) {
    for (; next < answered.length && answered[next]!.entry.respondedUs! < entry.invokedUs; next++)
      if (latest === null || answered[next]!.position > latest.position) latest = answered[next]!;
    if (latest !== null && position < latest.position)
      violated(
        'real-time',
        `${nameOf(entry)} comes before ${nameOf(latest.entry)}, answered before it began`,
      );
  }
}
