/** What is passed over by a primary that serves others again and again (Aardvark, NSDI'09, section 4.4). */
import { describe, expect, test } from 'vitest';
import { addPending, createPool, type PendingEnvelope } from '../../../src/ordering/pool.js';
import { alice, openEnvelope } from '../../support/lockstep.js';
import { closeBatch, createWatch, noteServed, type Watch } from '../../../src/ordering/passing-over.js';

const room = { operationsMax: 512, bytesMax: 1 << 20 };
const waiting = (nonce: number, arrivedAtMs: number): PendingEnvelope =>
  addPending(createPool(), 'key', openEnvelope(alice, nonce), arrivedAtMs);
const first = waiting(1, 1_000);

interface Batches {
  readonly count: number;
  readonly operations?: number;
  readonly bytes?: number;
  readonly oldest?: PendingEnvelope;
  readonly acceptedMs?: number | null;
}

/** Whether the last of these batches passed it over. */
function pass(watch: Watch, batches: Batches): boolean {
  const { count, operations = 5, bytes = 500, oldest = first, acceptedMs = 1_010 } = batches;
  let isPassed = false;
  for (let batch = 0; batch < count; batch++) {
    noteServed(watch, operations, bytes);
    isPassed = closeBatch(watch, oldest, acceptedMs, 0, room);
  }
  return isPassed;
}

describe('an envelope is passed over', () => {
  test('by more batches with room than can have crossed its envelope on the way', () => {
    const watch = createWatch();
    expect(pass(watch, { count: 8 })).toBe(false);
    expect(pass(watch, { count: 1 })).toBe(true);
    expect(pass(watch, { count: 1 })).toBe(true);
  });

  test('though full batches come between, if those with room are more', () => {
    const watch = createWatch();
    for (let round = 0; round < 9; round++) {
      pass(watch, { count: 2 });
      pass(watch, { count: 1, operations: 512 });
    }
    expect(pass(watch, { count: 1 })).toBe(true);
  });
});

describe('an envelope is not passed over', () => {
  const never = (batches: Batches): void => {
    const watch = createWatch();
    for (let round = 0; round < 100; round++) expect(pass(watch, batches)).toBe(false);
  };

  test('by batches that have no room for it, in operations or in bytes', () => {
    never({ count: 1, operations: 257 });
    never({ count: 1, bytes: 600_000 });
  });

  test('by proposals from before its envelope came, or by batches that came from others', () => {
    never({ count: 1, acceptedMs: 1_000 });
    never({ count: 1, acceptedMs: null });
  });

  test('by batches that do nothing for anybody', () => never({ count: 1, operations: 0, bytes: 0 }));

  test('while a new primary may not have heard of it', () => {
    const watch = createWatch();
    for (let batch = 0; batch < 100; batch++) {
      noteServed(watch, 1, 1);
      expect(closeBatch(watch, first, 1_010, 1_020, room)).toBe(false);
    }
  });

  test('when it is served meanwhile', () => {
    const watch = createWatch();
    expect(pass(watch, { count: 8 })).toBe(false);
    expect(pass(watch, { count: 8, oldest: waiting(2, 1_005) })).toBe(false);
    expect(closeBatch(watch, undefined, 1_010, 0, room)).toBe(false);
    expect(pass(watch, { count: 8 })).toBe(false);
  });
});
