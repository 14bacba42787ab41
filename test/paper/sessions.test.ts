/** Exactly once, by session (DESIGN section 2; in the place of the timestamps of OSDI'99 section 4.1). */
import { describe, expect, test } from 'vitest';
import { sessionId } from '../../src/base/index.js';
import { addEnvelope, alice, bob, openEnvelope } from '../support/lockstep.js';
import { Ordering, plain } from '../support/ordering.js';

describe('OPEN', () => {
  test('DESIGN §2: gives a session id that is never given again', () => {
    const ordering = new Ordering();
    const ids = [ordering.open(1), ordering.open(2), ordering.open(3, bob)];
    expect(new Set(ids).size).toBe(3);
    expect(ids.every((id, index) => id > 0 && (index === 0 || id > ids[index - 1]!))).toBe(true);
  });

  test('DESIGN §2: repeated with its nonce, gets the same session, ordered again or from the cache', () => {
    const ordering = new Ordering();
    const id = ordering.open(1);
    expect(ordering.open(1)).toBe(id);
    ordering.solo.clear();
    ordering.solo.submit(openEnvelope(alice, 1));
    expect(ordering.solo.of('opened')).toMatchObject([{ client: alice, session: id }]);
    expect(ordering.solo.status).toMatchObject({ pending: 0 });
  });

  test('DESIGN §2: equal nonces of different clients are different sessions', () => {
    const ordering = new Ordering();
    expect(ordering.open(1, alice)).not.toBe(ordering.open(1, bob));
  });

  test('DESIGN §2: a session that is not used within 60 s of ordered time is void', () => {
    const ordering = new Ordering();
    const [early, late] = [ordering.open(1), ordering.open(2)];
    ordering.solo.jump(59_999);
    ordering.order(addEnvelope(alice, early, 1, [1]));
    expect(ordering.last).toEqual([1]);
    ordering.solo.jump(1);
    ordering.order(addEnvelope(alice, late, 1, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
    expect(ordering.open(2)).toBeGreaterThan(late);
  });

  test('DESIGN §2: beyond the limit of a client its oldest unused session goes, or it gets none', () => {
    const ordering = new Ordering({ config: { sessionsPerClientMax: 2 } });
    const [first, second] = [ordering.open(1), ordering.open(2)];
    ordering.order(addEnvelope(alice, first, 1, [1]));
    const third = ordering.open(3);
    ordering.order(addEnvelope(alice, second, 1, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
    ordering.order(addEnvelope(alice, third, 1, [1]));
    expect(ordering.last).toEqual([2]);
    expect(ordering.open(4)).toBe(0);
    expect(ordering.open(1, bob)).toBeGreaterThan(0);
  });
});

describe('the lease of a session', () => {
  test('DESIGN §2: is 30 s of ordered time from its last executed operation', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    for (const number of [1, 2, 3]) {
      ordering.order(addEnvelope(alice, id, number, [1]));
      expect(ordering.last).toEqual([number]);
      ordering.solo.jump(29_999);
    }
    ordering.solo.jump(1);
    ordering.order(addEnvelope(alice, id, 4, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
  });

  test('DESIGN §2: over, its envelopes are answered as the order would, and wait for no order any more', () => {
    const ordering = new Ordering();
    const [id, other] = [ordering.open(), ordering.open(2, bob)];
    const old = addEnvelope(alice, id, 1, [1, 1]);
    ordering.order(old);
    ordering.order(addEnvelope(bob, other, 1, [1]));
    ordering.solo.jump(20_000);
    ordering.order(addEnvelope(bob, other, 2, [1]));
    ordering.solo.jump(10_000);
    ordering.order(addEnvelope(bob, other, 3, [1]));
    ordering.solo.clear();
    const refused = { kind: 'refused', code: 'SESSION_EXPIRED' };
    ordering.solo.submit(old);
    // Neither does one that is another client's, or that never was though later ones have been.
    for (const session of [other, sessionId(other - 1)])
      ordering.solo.submit(addEnvelope(alice, session, 7, [1]));
    expect(
      ordering.solo.of('reply').map(({ session, firstNumber, outcomes }) => [session, firstNumber, outcomes]),
    ).toEqual([
      [id, 1, [refused, refused]],
      [other, 7, [refused]],
      [sessionId(other - 1), 7, [refused]],
    ]);
    expect(ordering.solo.status).toMatchObject({ pending: 0 });
    // It may be opened further on, where this replica has not got to.
    ordering.solo.submit(addEnvelope(alice, sessionId(other + 1), 1, [1]));
    expect(ordering.solo.status).toMatchObject({ pending: 1 });
  });

  test('DESIGN §2: is not renewed by an envelope that is ordered once more', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const envelope = addEnvelope(alice, id, 1, [1]);
    ordering.order(envelope);
    ordering.solo.jump(20_000);
    ordering.order(envelope);
    expect(ordering.last).toEqual([1]);
    ordering.solo.jump(10_000);
    ordering.order(addEnvelope(alice, id, 2, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
  });

  test('DESIGN §2: of an ended, unknown or foreign session nothing is executed', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(bob, id, 1, [1, 2]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED', 'SESSION_EXPIRED']);
    ordering.order(addEnvelope(alice, sessionId(12_345), 1, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
    ordering.solo.jump(60_000);
    ordering.order(addEnvelope(alice, id, 1, [1]));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
    expect(ordering.executed).toEqual([]);
  });
});

describe('a request number', () => {
  test('DESIGN §2: is executed once, however often and in whatever envelope it is ordered', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 1, [1, 2], 1));
    ordering.order(addEnvelope(alice, id, 2, [50, 4], 1), addEnvelope(alice, id, 1, [1, 2], 1));
    expect(ordering.executed).toEqual([1, 2, 3]);
    expect(ordering.solo.of('reply').map(({ outcomes }) => outcomes.map(plain))).toEqual([
      [1, 3],
      [3, 7],
      [1, 3],
    ]);
  });

  test('DESIGN §2: no order is promised between envelopes, those in one are executed in order', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 3, [1, 1], 1));
    ordering.order(addEnvelope(alice, id, 1, [1, 1], 1));
    expect(ordering.executed).toEqual([3, 4, 1, 2]);
  });

  test('DESIGN §2: 1,024 above the lowest unanswered one is out of the window', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 1024, [1, 2], 1));
    expect(ordering.last).toEqual([1, 'NUMBER_OUT_OF_WINDOW']);
    ordering.order(addEnvelope(alice, id, 1025, [4], 2));
    expect(ordering.last).toEqual([5]);
  });

  test('DESIGN §2: is refused while the kept replies fill their limit, and then used up', () => {
    const ordering = new Ordering({ config: { sessionReplyBytesMax: 2 } });
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 1, [1, 1, 1], 1));
    expect(ordering.last).toEqual([1, 2, 'REPLIES_FULL']);
    ordering.order(addEnvelope(alice, id, 4, [1], 3));
    expect(ordering.last).toEqual([3]);
    ordering.order(addEnvelope(alice, id, 3, [1], 3));
    expect(ordering.last).toEqual(['REPLIES_FULL']);
    expect(ordering.executed).toEqual([1, 2, 4]);
  });

  test('is refused while the kept replies of all sessions of the client fill theirs', () => {
    const ordering = new Ordering({ config: { clientReplyBytesMax: 3 } });
    const [first, second, other] = [ordering.open(1), ordering.open(2), ordering.open(1, bob)];
    ordering.order(addEnvelope(alice, first, 1, [1, 1]));
    ordering.order(addEnvelope(alice, second, 1, [1, 1]));
    expect(ordering.last).toEqual([3, 'REPLIES_FULL']);
    ordering.order(addEnvelope(bob, other, 1, [1]));
    expect(ordering.last).toEqual([4]);
    ordering.order(addEnvelope(alice, first, 3, [1], 3));
    expect(ordering.last).toEqual([5]);
    // What sessions held that have ended counts no more.
    ordering.solo.jump(30_000);
    const next = ordering.open(3);
    ordering.order(addEnvelope(alice, next, 1, [1, 1, 1, 1]));
    expect(ordering.last).toEqual([6, 7, 8, 'REPLIES_FULL']);
  });

  test('DESIGN §2: a refusal leaves the other operations of its envelope alone', () => {
    const ordering = new Ordering({ config: { sessionNumbersMax: 2 } });
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 2, [1, 2], 1));
    expect(ordering.last).toEqual([1, 'NUMBER_OUT_OF_WINDOW']);
    ordering.order(addEnvelope(alice, id, 1, [5], 1));
    expect(ordering.last).toEqual([6]);
  });
});

describe('cached replies', () => {
  test('DESIGN §2: below the lowest unanswered number are dropped; such numbers are not executed any more', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 1, [1, 1], 1));
    ordering.order(addEnvelope(alice, id, 5, [1], 4));
    const before = ordering.solo.of('reply').length;
    ordering.order(addEnvelope(alice, id, 1, [1, 1], 1), addEnvelope(alice, id, 3, [9], 3));
    expect(ordering.executed).toEqual([1, 2, 5]);
    expect(ordering.solo.of('reply')).toHaveLength(before);
  });

  test('DESIGN §2: answer a repetition without ordering it, from the first number that is not answered', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 1, [1, 1, 1], 1));
    ordering.order(addEnvelope(alice, id, 4, [1], 3));
    ordering.solo.clear();
    ordering.solo.submit(addEnvelope(alice, id, 1, [1, 1, 1], 1));
    expect(ordering.solo.of('reply')).toMatchObject([{ firstNumber: 3, session: id }]);
    expect(ordering.last).toEqual([3]);
    expect(ordering.solo.status.pending).toBe(0);
  });

  test('DESIGN §2: an envelope of which something was not executed is ordered', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(addEnvelope(alice, id, 1, [1], 1));
    ordering.solo.submit(addEnvelope(alice, id, 1, [1, 1], 1));
    expect(ordering.solo.status.pending).toBe(1);
  });
});
