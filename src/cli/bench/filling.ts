/** Entries for measurements of large spaces: brought in by one client with so many under way that envelopes are full. */
import type { Space } from '../../client/index.js';
import { contentOf } from './loads.js';
import { inParallel } from './in-parallel.js';

const fillConcurrency = 1_000;
const content = contentOf(64);

/** The string, the number and the bytes. */
export const entryContentBytes = 'entry'.length + 8 + content.length;

export const numberedEntry = (number: number): readonly ['entry', number, Uint8Array] => [
  'entry',
  number,
  content,
];

/** Entries `from` to `to`, the latter not included. */
export function fill(space: Space, from: number, to: number): Promise<void> {
  return inParallel(fillConcurrency, to - from, (index) => space.out(numberedEntry(from + index)));
}
