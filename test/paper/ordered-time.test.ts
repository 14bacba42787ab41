/** Agreement on time (OSDI'99 section 4.6, non-determinism; DESIGN sections 2 and 3). */
import { describe, expect, test } from 'vitest';
import { addEnvelope, alice, openEnvelope } from '../support/lockstep.js';
import {
  batchOf,
  chosen,
  commit,
  entry,
  newView,
  nullDigest,
  prepare,
  prePrepare,
  viewChange,
  type TestBatch,
} from '../support/messages.js';
import { Solo } from '../support/solo.js';

const skew = 500;
const isPrepared = (solo: Solo) => solo.sent('prepare').length > 0;

function proposed(atMs: (solo: Solo) => number): Solo {
  const solo = new Solo();
  solo.message(0, prePrepare(0, 1, batchOf(atMs(solo), openEnvelope(alice))));
  return solo;
}

describe('a fresh proposal', () => {
  test.each([-skew, 0, skew])(
    "OSDI'99 §4.6: is accepted with a time off by no more than the skew (%i ms)",
    (off) => {
      expect(isPrepared(proposed(({ nowMs }) => nowMs + off))).toBe(true);
    },
  );

  test("OSDI'99 §4.6: is refused with a time too far behind, also later", () => {
    const solo = proposed(({ nowMs }) => nowMs - skew - 1);
    expect(isPrepared(solo)).toBe(false);
    solo.tick(500);
    expect(isPrepared(solo)).toBe(false);
  });

  test("OSDI'99 §4.6: is refused with a time too far ahead, until the own clock gets there", () => {
    const solo = proposed(({ nowMs }) => nowMs + skew + 100);
    expect(isPrepared(solo)).toBe(false);
    solo.tick(90);
    expect(isPrepared(solo)).toBe(false);
    solo.tick(10);
    expect(isPrepared(solo)).toBe(true);
  });

  test('DESIGN §2: its time does not age while it waits for something else', () => {
    const solo = new Solo();
    const batch = batchOf(solo.nowMs - 400, openEnvelope(alice));
    solo.jump(50);
    solo.message(0, prePrepare(0, 1, batch));
    expect(isPrepared(solo)).toBe(true);
  });
});

describe('the checks on fresh proposals are waived', () => {
  const bad = (solo: Solo): TestBatch => {
    const unsigned = { ...openEnvelope(alice), bytes: openEnvelope(alice).bytes.slice() };
    unsigned.bytes[unsigned.bytes.length - 1]! ^= 1;
    return batchOf(solo.nowMs - 100_000, unsigned);
  };

  test('DESIGN §2: for a digest that f + 1 others have prepared', () => {
    const solo = new Solo();
    const batch = bad(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.message(0, prepare(0, 1, batch.digest));
    expect(isPrepared(solo)).toBe(false);
    solo.message(2, prepare(0, 1, batch.digest));
    expect(isPrepared(solo)).toBe(true);
  });

  test('DESIGN §2: or committed, in any view; each replica vouches once', () => {
    const solo = new Solo();
    const batch = bad(solo);
    solo.message(0, prepare(0, 1, batch.digest));
    solo.message(0, commit(0, 1, batch.digest));
    solo.message(0, prePrepare(0, 1, batch));
    expect(isPrepared(solo)).toBe(false);
    solo.message(2, commit(7, 1, batch.digest));
    expect(isPrepared(solo)).toBe(true);
  });

  test('DESIGN §2: not by the own vote of an earlier view', () => {
    const solo = new Solo({ id: 3 });
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.message(0, prePrepare(0, 1, batch));
    const changes = [0, 1, 2].map((id) => viewChange(id, 1, { checkpoint: solo.genesis }));
    solo.message(1, newView(1, 1, changes, []));
    solo.jump(600);
    solo.clear();
    solo.message(1, prePrepare(1, 1, batch));
    solo.message(1, prepare(1, 1, batch.digest));
    expect(isPrepared(solo)).toBe(false);
    solo.message(2, prepare(1, 1, batch.digest));
    expect(isPrepared(solo)).toBe(true);
  });

  test('DESIGN §2: not for another digest or another number', () => {
    const solo = new Solo();
    const batch = bad(solo);
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages([2, 3], prepare(0, 1, nullDigest));
    solo.messages([2, 3], prepare(0, 2, batch.digest));
    expect(isPrepared(solo)).toBe(false);
  });

  test('DESIGN §2: for a digest that a valid NEW-VIEW chose', () => {
    const solo = new Solo({ id: 2 });
    const batch = bad(solo);
    const own = { checkpoint: solo.genesis, prePrepared: [entry(1, 0, batch.digest)] };
    const changes = [
      viewChange(0, 1, { ...own, prepared: [entry(1, 0, batch.digest)] }),
      viewChange(1, 1, own),
      viewChange(3, 1, { checkpoint: solo.genesis }),
    ];
    solo.message(1, newView(1, 1, changes, [chosen(1, batch.digest)]));
    solo.message(1, { kind: 'batchBody', batch: batch.bytes });
    expect(solo.sent('prepare')).toEqual([prepare(1, 1, batch.digest)]);
  });
});

describe('ordered time', () => {
  const times = (solo: Solo) => solo.of('deliver').map(({ time }) => time);

  test("OSDI'99 §4.6: is the batch's, the same for every operation in it", () => {
    const solo = new Solo();
    const session = solo.open(alice, 1);
    const at = solo.nowMs + 20;
    solo.order(2, batchOf(at, addEnvelope(alice, session, 1, [1, 2]), addEnvelope(alice, session, 3, [3])));
    expect(solo.counter.executed.map(({ time }) => time)).toEqual([at, at, at]);
  });

  test('DESIGN §2: never runs backwards', () => {
    const solo = new Solo();
    const start = solo.nowMs;
    solo.order(1, batchOf(start + 400, openEnvelope(alice, 1)));
    solo.order(2, batchOf(start, openEnvelope(alice, 2)));
    solo.order(3, batchOf(start + 410, openEnvelope(alice, 3)));
    expect(times(solo)).toEqual([start + 400, start + 400, start + 410]);
  });

  test('DESIGN §2: a null batch carries none', () => {
    const solo = new Solo();
    solo.order(1, batchOf(solo.nowMs, openEnvelope(alice)));
    solo.messages([0, 2, 3], commit(1, 2, nullDigest));
    expect(times(solo)).toEqual([solo.nowMs, solo.nowMs]);
  });

  test("OSDI'99 §4.6: says what the operations see, whatever the replica's clock", () => {
    const solo = new Solo();
    const session = solo.open(alice, 1);
    const batch = batchOf(solo.nowMs, addEnvelope(alice, session, 1, [1]));
    solo.jump(60_000);
    solo.messages([0, 2, 3], commit(0, 2, batch.digest));
    solo.message(2, { kind: 'batchBody', batch: batch.bytes });
    expect(solo.counter.executed).toMatchObject([{ time: solo.nowMs - 60_000 }]);
    expect(solo.status.orderedTime).toBe(solo.nowMs - 60_000);
  });
});

describe('time without traffic (DESIGN §3, pitfall 18)', () => {
  /** A replica whose application has something due at `deadline`. */
  function withDeadline(id: number, deadline: (nowMs: number) => number): Solo {
    const solo = new Solo({ id });
    const at = deadline(solo.nowMs);
    solo.counter.nextDeadline = () => (solo.status.executed === 0 ? at : null);
    return solo;
  }

  test('DESIGN §3: the primary proposes an empty batch when the deadline has come', () => {
    const solo = withDeadline(0, (nowMs) => nowMs + 100);
    solo.tick(90);
    expect(solo.sent('prePrepare')).toEqual([]);
    solo.tick(10);
    expect(solo.sent('prePrepare')).toEqual([prePrepare(0, 1, batchOf(solo.nowMs))]);
    solo.tick(500);
    expect(solo.sent('prePrepare')).toHaveLength(1);
  });

  test('DESIGN §3: a backup accepts one whose time has reached the deadline, and no other', () => {
    const early = withDeadline(1, (nowMs) => nowMs + 100);
    early.message(0, prePrepare(0, 1, batchOf(early.nowMs + 99)));
    expect(isPrepared(early)).toBe(false);
    const due = withDeadline(1, (nowMs) => nowMs + 100);
    due.message(0, prePrepare(0, 1, batchOf(due.nowMs + 100)));
    expect(isPrepared(due)).toBe(true);
  });

  test('DESIGN §3: one that comes early is accepted once an execution has made it due', () => {
    const solo = withDeadline(1, (nowMs) => nowMs + 100);
    const deadline = solo.nowMs + 100;
    solo.counter.nextDeadline = () => (solo.status.executed === 0 ? null : deadline);
    solo.message(0, prePrepare(0, 2, batchOf(deadline)));
    expect(isPrepared(solo)).toBe(false);
    solo.order(1, batchOf(solo.nowMs, openEnvelope(alice)));
    expect(solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber)).toContain(2);
  });
});
