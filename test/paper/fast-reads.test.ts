/** Fast reads (SRDS'21, Berger, Reiser & Bessani: live and linearizable reads; DESIGN section 8; pitfall 5). */
import { describe, expect, test } from 'vitest';
import { addEnvelope, alice, bob, openEnvelope } from '../support/lockstep.js';
import {
  batchOf,
  chosen,
  commit,
  entry,
  newView,
  prepare,
  prePrepare,
  viewChange,
} from '../support/messages.js';
import { Solo } from '../support/solo.js';

const read = (solo: Solo, readId: number, client = alice) =>
  solo.give({ kind: 'read', client, readId, operation: new Uint8Array(0) });
const answers = (solo: Solo) =>
  solo.of('readReply').map(({ readId, result }) => [readId, result?.[0] ?? null]);

/** A replica that has executed an OPEN at 1 and prepared, not committed, an addition of 5 at 2. */
function withPrepared() {
  const solo = new Solo();
  const session = solo.open(alice, 1);
  const batch = batchOf(solo.nowMs, addEnvelope(alice, session, 1, [5]));
  solo.message(0, prePrepare(0, 2, batch));
  solo.messages([0, 2, 3], prepare(0, 2, batch.digest));
  solo.clear();
  return { solo, session, batch };
}

describe('a replica answers a read (pitfall 5)', () => {
  test("SRDS'21: at once when it has executed everything that it has prepared", () => {
    const solo = new Solo();
    const session = solo.open(alice, 1);
    solo.order(2, batchOf(solo.nowMs, addEnvelope(alice, session, 1, [5])));
    read(solo, 7);
    expect(solo.of('readReply')).toEqual([
      { kind: 'readReply', client: alice, readId: 7, result: Uint8Array.of(5) },
    ]);
  });

  test("SRDS'21: after it has executed what it had prepared when the read arrived", () => {
    const { solo, batch } = withPrepared();
    read(solo, 1);
    expect(answers(solo)).toEqual([]);
    solo.messages([0, 2, 3], commit(0, 2, batch.digest));
    expect(answers(solo)).toEqual([[1, 5]]);
  });

  test("SRDS'21: also by f+1 words that it is committed, and by numbers before that are executed first", () => {
    const solo = new Solo();
    const batch = batchOf(solo.nowMs, openEnvelope(alice));
    solo.message(0, prePrepare(0, 3, batch));
    solo.messages([0, 2, 3], prepare(0, 3, batch.digest));
    solo.messages([0, 2, 3], commit(0, 3, batch.digest));
    read(solo, 1);
    solo.fill(1, 1);
    expect(answers(solo)).toEqual([]);
    solo.fill(2, 2);
    expect(answers(solo)).toEqual([[1, 0]]);
  });

  test("SRDS'21: without waiting for what is only proposed: a primary cannot block reads by proposals", () => {
    const solo = new Solo();
    solo.open(alice, 1);
    solo.message(0, prePrepare(0, 2, batchOf(solo.nowMs, openEnvelope(bob))));
    solo.messages([0], prepare(0, 2, batchOf(solo.nowMs, openEnvelope(bob)).digest));
    read(solo, 1);
    expect(answers(solo)).toEqual([[1, 0]]);
  });

  test("SRDS'21: without waiting for what is prepared after it arrived", () => {
    const { solo, session, batch } = withPrepared();
    read(solo, 1);
    const later = batchOf(solo.nowMs, addEnvelope(alice, session, 2, [6]));
    solo.message(0, prePrepare(0, 3, later));
    solo.messages([0, 2, 3], prepare(0, 3, later.digest));
    read(solo, 2);
    solo.messages([0, 2, 3], commit(0, 2, batch.digest));
    expect(answers(solo)).toEqual([[1, 5]]);
    solo.messages([0, 2, 3], commit(0, 3, later.digest));
    expect(answers(solo)).toEqual([
      [1, 5],
      [2, 11],
    ]);
  });

  test("SRDS'21: having prepared in any view: a view change does not let it forget", () => {
    const { solo, batch } = withPrepared();
    const changes = [0, 2, 3].map((id) => viewChange(id, 2, { checkpoint: solo.genesis }));
    solo.message(2, newView(2, 2, changes, []));
    read(solo, 1);
    expect(answers(solo)).toEqual([]);
    const own = { checkpoint: solo.genesis, prePrepared: [entry(2, 0, batch.digest)] };
    const again = [0, 2, 3].map((id) => viewChange(id, 4, { ...own, prepared: [entry(2, 0, batch.digest)] }));
    solo.message(0, newView(0, 4, again, [chosen(1, batch.digest), chosen(2, batch.digest)]));
    expect(answers(solo)).toEqual([]);
    solo.messages([0, 2, 3], commit(4, 2, batch.digest));
    expect(answers(solo)).toEqual([[1, 5]]);
  });

  test("SRDS'21: in order of arrival, each client's with its own number", () => {
    const { solo, batch } = withPrepared();
    read(solo, 3);
    read(solo, 3, bob);
    solo.messages([0, 2, 3], commit(0, 2, batch.digest));
    expect(solo.of('readReply').map(({ client }) => client)).toEqual([alice, bob]);
  });
});

describe('a read is left to the order', () => {
  test('DESIGN §8: if the application cannot answer it so', () => {
    const solo = new Solo();
    Object.assign(solo.counter, { query: () => null });
    read(solo, 1);
    expect(answers(solo)).toEqual([[1, null]]);
  });

  test('DESIGN §2: if too many wait already', () => {
    const { solo } = withPrepared();
    const full = new Solo({ config: { pendingReadsMax: 1 } });
    expect(solo.status.sizes).toMatchObject({ reads: 0 });
    const batch = batchOf(full.nowMs, openEnvelope(alice));
    full.message(0, prePrepare(0, 1, batch));
    full.messages([0, 2, 3], prepare(0, 1, batch.digest));
    read(full, 1);
    read(full, 2);
    expect(answers(full)).toEqual([[2, null]]);
    expect(full.status.sizes).toMatchObject({ reads: 1 });
  });
});
