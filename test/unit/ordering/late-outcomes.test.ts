import { describe, expect, test } from 'vitest';
import type { Effects, OrderedOperation } from '../../../src/ordering/index.js';
import { Counter, waitFor } from '../../support/counter.js';
import { addEnvelope, alice, bob, requestsEnvelope, sha256 } from '../../support/lockstep.js';
import { batchOf } from '../../support/messages.js';
import { Ordering } from '../../support/ordering.js';
import { Solo } from '../../support/solo.js';

const add = (amount: number): Uint8Array => Uint8Array.of(amount);

describe('replies', () => {
  test('a late outcome leaves behind the reply of the envelope that brought it about', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(
      requestsEnvelope(alice, id, 1, [waitFor(1), add(1), waitFor(2)]),
      requestsEnvelope(alice, id, 4, [add(1), add(1)], { lowestUnanswered: 1 }),
    );
    expect(ordering.replies).toEqual([
      [1, 'waiting', 1, 'waiting'],
      [1, 1],
      [4, 2, 3],
      [3, 2],
    ]);
  });

  test('what is over by time comes before what the batch brings', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(9, 5), waitFor(9, 4), waitFor(9)]));
    ordering.solo.clear();
    ordering.solo.jump(5_000);
    ordering.order(addEnvelope(alice, id, 4, [9], 1));
    expect(ordering.replies).toEqual([
      [1, 0, 0],
      [4, 9],
      [3, 9],
    ]);
  });

  test('late outcomes of contiguous numbers share one, of 1,024 at most', () => {
    const ordering = new Ordering({ config: { sessionNumbersMax: 2_000 } });
    const [id, other] = [ordering.open(1), ordering.open(1, bob)];
    const wait = (from: number, count: number) =>
      requestsEnvelope(
        alice,
        id,
        from,
        Array.from({ length: count }, () => waitFor(1)),
        { lowestUnanswered: 1 },
      );
    ordering.order(wait(1, 2), wait(4, 600));
    ordering.order(requestsEnvelope(bob, other, 1, [waitFor(1)]));
    ordering.order(wait(604, 600));
    ordering.solo.clear();
    ordering.order(addEnvelope(bob, other, 2, [1]));
    const shape = ordering.solo
      .of('reply')
      .map((reply) => [reply.client, reply.firstNumber, reply.outcomes.length]);
    expect(shape).toEqual([
      [bob, 2, 1],
      [alice, 1, 2],
      [alice, 4, 600],
      [bob, 1, 1],
      [alice, 604, 600],
    ]);
    ordering.solo.clear();
    ordering.solo.give({ kind: 'attached', client: alice, session: id });
    const again = ordering.solo.of('reply').map((reply) => [reply.firstNumber, reply.outcomes.length]);
    expect(again).toEqual([
      [1, 2],
      [4, 1024],
      [1028, 176],
    ]);
  });
});

describe('bounds', () => {
  test('a session has so many operations that wait or whose late outcome has not arrived', () => {
    const ordering = new Ordering({ config: { sessionWaitsMax: 2 } });
    const id = ordering.open();
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(5), waitFor(9), waitFor(9)]));
    expect(ordering.last).toEqual(['waiting', 'waiting', 0]);
    expect(ordering.solo.counter.executed.map(({ mayWait }) => mayWait)).toEqual([true, true, false]);
    ordering.order(requestsEnvelope(alice, id, 4, [add(5), waitFor(9)]));
    expect(ordering.replies.slice(-2)).toEqual([
      [4, 5, 5],
      [1, 5],
    ]);
    ordering.order(requestsEnvelope(alice, id, 6, [waitFor(9)], { finished: [1] }));
    expect(ordering.last).toEqual(['waiting']);
    expect(ordering.solo.status.sizes).toMatchObject({ waiting: 2 });
  });

  test('too many late results that have not arrived: the next one is refused, until they have', () => {
    const ordering = new Ordering({ config: { sessionReplyBytesMax: 2 } });
    const id = ordering.open();
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(1), waitFor(1), waitFor(1), waitFor(2)]));
    ordering.order(addEnvelope(alice, id, 5, [1]));
    expect(ordering.last).toEqual([1, 1, 'REPLIES_FULL']);
    expect(ordering.solo.counter.resolved.map(([, , isTaken]) => isTaken)).toEqual([true, true, false]);
    ordering.order(requestsEnvelope(alice, id, 6, [add(1)], { finished: [2] }));
    expect(ordering.last).toEqual([2]);
    ordering.solo.clear();
    ordering.solo.give({ kind: 'attached', client: alice, session: id });
    expect(ordering.replies).toEqual([
      [1, 1],
      [3, 'REPLIES_FULL', 2],
    ]);
  });

  test('late results do not count against the replies of other operations', () => {
    const ordering = new Ordering({ config: { sessionReplyBytesMax: 2 } });
    const id = ordering.open();
    ordering.order(requestsEnvelope(alice, id, 1, [waitFor(1), waitFor(1)]));
    ordering.order(addEnvelope(alice, id, 3, [1]));
    ordering.order(addEnvelope(alice, id, 4, [1]));
    expect(ordering.last).toEqual([2]);
  });

  test('finished numbers that never waited, or of a session that is over, say nothing', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    ordering.order(
      requestsEnvelope(alice, id, 900, [waitFor(1)], { lowestUnanswered: 1, finished: [1, 2, 899] }),
    );
    expect(ordering.last).toEqual(['waiting']);
    ordering.solo.jump(30_000);
    ordering.order(requestsEnvelope(alice, id, 901, [add(1)], { finished: [900] }));
    expect(ordering.last).toEqual(['SESSION_EXPIRED']);
  });
});

describe('the end of a session', () => {
  test('is told in ascending order, whatever the order in which they were used', () => {
    const ordering = new Ordering();
    const ids = [1, 2, 3].map((nonce) => ordering.open(nonce));
    ordering.order(...[...ids].reverse().map((id) => addEnvelope(alice, id, 1, [1])));
    ordering.solo.jump(30_000);
    ordering.open(4);
    expect(ordering.solo.counter.ended).toEqual(ids);
  });

  test('is told of one that makes room for another', () => {
    const ordering = new Ordering({ config: { sessionsPerClientMax: 1 } });
    const first = ordering.open(1);
    ordering.open(2);
    expect(ordering.solo.counter.ended).toEqual([first]);
  });
});

describe('a slow check', () => {
  test('is not asked for an empty operation', () => {
    const ordering = new Ordering();
    const id = ordering.open();
    const checked = add(255);
    ordering.order(requestsEnvelope(alice, id, 1, [new Uint8Array(0), checked]));
    const [verify] = ordering.solo.of('verify');
    expect(verify?.bytes).toEqual(checked);
    expect(ordering.solo.of('verify')).toHaveLength(1);
    ordering.solo.give({ kind: 'verified', check: verify!.check, isValid: true });
    expect(ordering.last).toEqual(['empty', 255]);
  });
});

describe('a state machine that breaks the contract stops the replica:', () => {
  type Execute = (operation: OrderedOperation, effects: Effects) => Uint8Array | null;

  class Rogue extends Counter {
    doing: Execute = () => add(0);
    effects: Effects | null = null;

    override execute(operation: OrderedOperation, effects: Effects): Uint8Array | null {
      this.effects = effects;
      return this.doing(operation, effects);
    }
  }

  function rogue(doing: Execute, sessionWaitsMax = 9): () => void {
    const counter = new Rogue(sha256);
    counter.doing = doing;
    const solo = new Solo({ counter, config: { sessionWaitsMax } });
    const id = solo.open(alice, 1);
    return () => solo.order(2, batchOf(solo.nowMs, addEnvelope(alice, id, 1, [1, 2])));
  }

  test.each<[string, Execute, RegExp]>([
    ['waits where it must not', () => null, /no room/],
    [
      'resolves what does not wait',
      ({ session }, effects) => {
        effects.resolve(session, 9, add(1));
        return add(1);
      },
      /request 9 resolved/,
    ],
    [
      'resolves twice',
      ({ session, number }, effects) => {
        if (number === 1) return null;
        effects.resolve(session, 1, add(1));
        effects.resolve(session, 1, add(1));
        return add(1);
      },
      /request 1 resolved/,
    ],
    [
      'resolves itself',
      ({ session, number }, effects) => {
        effects.resolve(session, number, add(1));
        return null;
      },
      /request 1 resolved/,
    ],
    [
      'resolves in a session that is none',
      (_, effects) => {
        effects.resolve(1 as never, 1, add(1));
        return add(1);
      },
      /session/,
    ],
  ])('%s', (_, doing, error) => {
    expect(rogue(doing, 1)).toThrow(error);
  });

  test('has effects outside of execution', () => {
    const counter = new Rogue(sha256);
    const solo = new Solo({ counter });
    const id = solo.open(alice, 1);
    counter.doing = () => null;
    solo.order(2, batchOf(solo.nowMs, addEnvelope(alice, id, 1, [1])));
    expect(() => counter.effects!.resolve(id, 1, add(1))).toThrow(/outside of execution/);
    expect(() => counter.effects!.notify(id, 1)).toThrow(/outside of execution/);
  });
});
