import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLinearizable } from '../../src/sim/checkers/linearizability.js';
import type { Interval, SequentialModel } from '../../src/sim/checkers/linearizability.js';

/** A register: write a value, or read it. */
type Call = { readonly write: number } | 'read';

const register: SequentialModel<number, Call, number> = {
  initial: 0,
  apply: (state, call) => (call === 'read' ? [[state, state]] : [[call.write, 0]]),
  keyOf: (state) => String(state),
  isSameResult: (a, b) => a === b,
};

const write = (value: number, from: number, to: number | null): Interval<Call, number> => ({
  call: { write: value },
  invokedAt: from,
  answer: to === null ? null : { at: to, result: 0 },
});
const read = (value: number, from: number, to: number): Interval<Call, number> => ({
  call: 'read',
  invokedAt: from,
  answer: { at: to, result: value },
});

describe('Wing and Gong', () => {
  it('accepts what has a sequential explanation', () => {
    expect(isLinearizable(register, [])).toBe(true);
    expect(isLinearizable(register, [write(1, 0, 10), read(1, 11, 12)])).toBe(true);
    expect(isLinearizable(register, [write(1, 0, 10), read(0, 1, 2), read(1, 3, 4)])).toBe(true);
    expect(isLinearizable(register, [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12)])).toBe(true);
  });

  it('refuses stale reads, reads from nowhere and two readers who disagree on the order', () => {
    expect(isLinearizable(register, [write(1, 0, 10), read(0, 11, 12)])).toBe(false);
    expect(isLinearizable(register, [write(1, 0, 10), read(5, 0, 12)])).toBe(false);
    expect(isLinearizable(register, [write(1, 0, 10), read(1, 1, 2), read(0, 3, 4)])).toBe(false);
    const split = [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14)];
    expect(isLinearizable(register, split)).toBe(false);
  });

  it('lets an unanswered operation take effect late, or never, but not before it began', () => {
    expect(isLinearizable(register, [write(1, 0, null), read(0, 5, 6)])).toBe(true);
    expect(isLinearizable(register, [write(1, 0, null), read(0, 5, 6), read(1, 7, 8)])).toBe(true);
    expect(isLinearizable(register, [read(1, 0, 4), write(1, 5, null)])).toBe(false);
    expect(isLinearizable(register, [write(1, 0, null), read(1, 5, 6), read(0, 7, 8)])).toBe(false);
  });

  it('accepts every history that was made from a sequential one by widening intervals', () => {
    const step = fc.record({
      isWrite: fc.boolean(),
      value: fc.nat(3),
      before: fc.nat(30),
      after: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 9 }), (steps) => {
        let state = 0;
        const history = steps.map(({ isWrite, value, before, after }, index) => {
          const [from, to] = [10 * index - before, 10 * index + after];
          if (isWrite) {
            state = value;
            return write(value, from, to);
          }
          return read(state, from, to);
        });
        return isLinearizable(register, history);
      }),
    );
  });

  it('refuses a read of a value that nobody wrote, in any history', () => {
    const step = fc.record({ value: fc.nat(3), from: fc.nat(50), length: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 7 }), (steps) => {
        const writes = steps.map(({ value, from, length }) => write(value, from, from + length));
        return !isLinearizable(register, [...writes, read(9, 0, 200)]);
      }),
    );
  });
});
