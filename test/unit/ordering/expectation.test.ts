/** What a primary is expected to do, from points of throughput and waiting (Aardvark, NSDI'09, section 4.3; pitfall 12). */
import { describe, expect, test } from 'vitest';
import { viewNumber } from '../../../src/base/index.js';
import {
  closeWindow,
  createExpectation,
  doubleGrace,
  expectAnew,
  graceMsOf,
  noteBusy,
  noteTurnaround,
  noteUnfair,
  noteWork,
  type Expectation,
} from '../../../src/ordering/expectation.js';

const limits = { percent: 60, slackMs: 20, windowMs: 250, recordsMax: 4, comparedWith: 2 };

interface Served {
  readonly view: number;
  /** Work per busy second. */
  readonly rate: number;
  readonly turnaroundMs: number;
  readonly idleMs?: number;
  readonly windows?: number;
}

function serve(
  expectation: Expectation,
  { view, rate, turnaroundMs, idleMs = 0, windows = 4 }: Served,
): boolean {
  for (let window = 0; window < windows; window++) {
    noteBusy(expectation, idleMs, true);
    noteBusy(expectation, 250 - idleMs, false);
    noteWork(expectation, rate / 4);
    for (let each = 0; each < 4; each++) noteTurnaround(expectation, turnaroundMs);
    closeWindow(expectation, viewNumber(view), limits, 0);
  }
  return expectation.slowView === view;
}

/** Other primaries have shown what they can do, each at little and at much load. */
function experienced(): Expectation {
  const expectation = createExpectation();
  for (const view of [0, 1]) {
    expectAnew(expectation);
    serve(expectation, { view, rate: 200, turnaroundMs: 5 });
    serve(expectation, { view, rate: 10_000, turnaroundMs: 100 });
  }
  expectAnew(expectation);
  return expectation;
}

describe('a primary is too slow', () => {
  test('if another did more and let nobody wait as long', () => {
    expect(serve(experienced(), { view: 2, rate: 50, turnaroundMs: 60 })).toBe(true);
    expect(serve(experienced(), { view: 2, rate: 3_000, turnaroundMs: 300 })).toBe(true);
  });

  test('if it is so in more than two windows of five, not if in fewer', () => {
    const play = (slowOfFive: number): boolean => {
      const expectation = experienced();
      for (let window = 0; window < 100; window++) {
        const isSlow = window % 5 < slowOfFive;
        serve(expectation, {
          view: 2,
          ...(isSlow ? { rate: 50, turnaroundMs: 60 } : { rate: 200, turnaroundMs: 5 }),
          windows: 1,
        });
        if (expectation.slowView === 2) return true;
      }
      return false;
    };
    expect([1, 2, 3, 4].map(play)).toEqual([false, false, true, true]);
  });

  test('if it passes somebody over, however fast it is', () => {
    const expectation = experienced();
    for (let window = 0; window < 3; window++) {
      noteUnfair(expectation);
      serve(expectation, { view: 2, rate: 200, turnaroundMs: 5, windows: 1 });
    }
    expect(expectation.slowView).toBe(2);
  });

  test('not because there is less to do, or more', () => {
    expect(serve(experienced(), { view: 2, rate: 20, turnaroundMs: 5 })).toBe(false);
    expect(serve(experienced(), { view: 2, rate: 10_000, turnaroundMs: 3_000 })).toBe(false);
    expect(serve(experienced(), { view: 2, rate: 2_000, turnaroundMs: 50 })).toBe(false);
  });

  test('not within the part of others that is allowed, or the slack', () => {
    expect(serve(experienced(), { view: 2, rate: 6_100, turnaroundMs: 1_000 })).toBe(false);
    expect(serve(experienced(), { view: 2, rate: 100, turnaroundMs: 40 })).toBe(false);
  });

  test('only after three windows in succession', () => {
    const expectation = experienced();
    expect(serve(expectation, { view: 2, rate: 50, turnaroundMs: 60, windows: 2 })).toBe(false);
    serve(expectation, { view: 2, rate: 200, turnaroundMs: 5, windows: 3 });
    expect(serve(expectation, { view: 2, rate: 50, turnaroundMs: 60, windows: 2 })).toBe(false);
    expect(serve(expectation, { view: 2, rate: 50, turnaroundMs: 60, windows: 1 })).toBe(true);
  });

  test('also if it was quicker itself', () => {
    const expectation = createExpectation();
    serve(expectation, { view: 0, rate: 200, turnaroundMs: 5 });
    expect(serve(expectation, { view: 0, rate: 20, turnaroundMs: 100 })).toBe(true);
  });

  test('if it leaves most of the time unused and f+1 others were not seen yet; later only in comparison', () => {
    const slow = { rate: 20, turnaroundMs: 100, idleMs: 200 };
    const expectation = createExpectation();
    expect(serve(expectation, { view: 0, ...slow })).toBe(true);
    expectAnew(expectation);
    expect(serve(expectation, { view: 1, ...slow })).toBe(true);
    expectAnew(expectation);
    expect(serve(expectation, { view: 2, ...slow })).toBe(false);
  });
});

test('what was possible n measured views ago is expected no more', () => {
  const expectation = experienced();
  for (const view of [2, 3, 4]) {
    expect(serve(expectation, { view, rate: 50, turnaroundMs: 100 })).toBe(true);
    expectAnew(expectation);
  }
  expect(serve(expectation, { view: 5, rate: 50, turnaroundMs: 100 })).toBe(false);
});

test('no judgement on a few requests or a moment', () => {
  const expectation = createExpectation();
  noteBusy(expectation, 10_000, true);
  noteTurnaround(expectation, 10_000);
  closeWindow(expectation, viewNumber(0), limits, 0);
  expect(expectation.records).toEqual([]);
});

test('each view left for slowness gives the next primaries more time, up to a bound; calm takes it back', () => {
  const expectation = createExpectation();
  for (let change = 0; change < 10; change++) doubleGrace(expectation, 0);
  expect(graceMsOf(expectation, 2_000)).toBe(32_000);
  for (let minute = 1; minute <= 4; minute++) {
    noteBusy(expectation, 250, false);
    for (let each = 0; each < 4; each++) noteTurnaround(expectation, 5);
    closeWindow(expectation, viewNumber(0), limits, minute * 60_000);
  }
  expect(graceMsOf(expectation, 2_000)).toBe(2_000);
});
