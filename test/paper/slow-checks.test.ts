/** Slow checks off the event loop: the outputs `verify`, the inputs `verified` (DESIGN section 2; pitfall 37). */
import { describe, expect, test } from 'vitest';
import { addEnvelope, alice, sha256 } from '../support/lockstep.js';
import { batchOf, commit, prepare, prePrepare } from '../support/messages.js';
import { Solo } from '../support/solo.js';

/** The counter has operation 255 checked. */
const check = sha256(Uint8Array.of(255));
const judge = (solo: Solo, isValid: boolean) => solo.give({ kind: 'verified', check, isValid });

function withCheck(...amounts: number[]) {
  const solo = new Solo();
  const session = solo.open(alice, 1);
  solo.clear();
  return { solo, session, batch: batchOf(solo.nowMs, addEnvelope(alice, session, 1, amounts)) };
}

describe('a batch with something to check (pitfall 37)', () => {
  test('DESIGN §2: the check is asked for before PREPARE, which does not wait for it', () => {
    const { solo, batch } = withCheck(255);
    solo.message(0, prePrepare(0, 2, batch));
    expect(solo.of('verify')).toEqual([{ kind: 'verify', check, bytes: Uint8Array.of(255) }]);
    expect(solo.outputs.map(({ kind }) => kind).slice(0, 2)).toEqual(['verify', 'persist']);
    expect(solo.sent('prepare')).toEqual([prepare(0, 2, batch.digest)]);
  });

  test('DESIGN §2: is executed once its verdicts are in; later ones wait', () => {
    const { solo, session, batch } = withCheck(255);
    solo.order(2, batch);
    solo.order(3, batchOf(solo.nowMs, addEnvelope(alice, session, 2, [1])));
    expect(solo.status.executed).toBe(1);
    judge(solo, true);
    expect(solo.status.executed).toBe(3);
    expect(solo.counter.executed.map(({ number, isVerified }) => [number, isVerified])).toEqual([
      [1, true],
      [2, true],
    ]);
  });

  test('DESIGN §2: a verdict that came before the commitment is kept for it', () => {
    const { solo, batch } = withCheck(255);
    solo.message(0, prePrepare(0, 2, batch));
    judge(solo, true);
    solo.messages([0, 2, 3], commit(0, 2, batch.digest));
    expect(solo.status.executed).toBe(2);
    expect(solo.of('verify')).toHaveLength(1);
  });

  test('DESIGN §2: the application is told a bad verdict; operations without a check count as verified', () => {
    const { solo, batch } = withCheck(255, 7);
    solo.order(2, batch);
    judge(solo, false);
    expect(solo.counter.executed.map(({ isVerified }) => isVerified)).toEqual([false, true]);
  });

  test('DESIGN §2: equal bytes are checked once, and nothing is kept afterwards', () => {
    const { solo, batch } = withCheck(255, 255, 255);
    solo.order(2, batch);
    expect(solo.of('verify')).toHaveLength(1);
    judge(solo, true);
    expect(solo.counter.executed).toHaveLength(3);
    expect(solo.status.sizes).toMatchObject({ verdicts: 0 });
  });

  test('DESIGN §2: a batch that others committed is checked too', () => {
    const { solo, batch } = withCheck(255);
    solo.messages([0, 2, 3], commit(0, 2, batch.digest));
    solo.message(2, { kind: 'batchBody', batch: batch.bytes });
    expect(solo.of('verify')).toHaveLength(1);
    expect(solo.status.executed).toBe(1);
    judge(solo, true);
    expect(solo.status.executed).toBe(2);
  });

  test('DESIGN §2: a verdict that nobody asked for is ignored', () => {
    const { solo } = withCheck(255);
    judge(solo, true);
    expect(solo.outputs).toEqual([]);
    expect(solo.status.sizes).toMatchObject({ verdicts: 0 });
  });
});
