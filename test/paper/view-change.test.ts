/** Leaving a view: timers, VIEW-CHANGE, the sets P and Q (OSDI'99 sections 4.4 and 4.5.2; TOCS'02 section 4.5). */
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/index.js';
import {
  encodeViewChangeBody,
  type ChosenBatch,
  type ViewChange,
  type ViewEntry,
} from '../../src/codec/index.js';
import { alice, openEnvelope, signAs } from '../support/lockstep.js';
import {
  batchOf,
  certificate,
  checkpoint,
  commit,
  digestOf,
  entry,
  newView,
  prepare,
  prePrepare,
  viewChange,
  type TestBatch,
  type ViewChangeContent,
} from '../support/messages.js';
import { Solo } from '../support/solo.js';

const someBatch = (solo: Solo, nonce = 1) => batchOf(solo.nowMs, openEnvelope(alice, nonce));
const [d1, d2] = [digestOf('1'), digestOf('2')];

/** The other replicas ask for this view. */
function ask(solo: Solo, replicas: readonly number[], view: number): void {
  for (const replica of replicas)
    solo.message(replica, viewChange(replica, view, { checkpoint: solo.genesis }));
}

/** The primary of `view` sends a NEW-VIEW, based on the others' VIEW-CHANGEs, all with this content. */
function enter(solo: Solo, view: number, content: ViewChangeContent = {}, choice: ChosenBatch[] = []) {
  const changes = solo.others().map((id) => viewChange(id, view, { checkpoint: solo.genesis, ...content }));
  const primary = view % solo.n;
  solo.message(primary, newView(primary, view, changes, choice));
}

const lastChange = (solo: Solo): ViewChange => solo.sent('viewChange').at(-1)!;

describe('a backup suspects the primary', () => {
  test("OSDI'99 §4.4: when a request that it waits for is not executed in time", () => {
    const solo = new Solo({ id: 3 });
    solo.submit(openEnvelope(alice));
    solo.tick(690);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.tick(10);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1, replica: 3 }]);
    expect(solo.status).toMatchObject({ view: 1, isActive: false });
  });

  test("OSDI'99 §4.4: not while it waits for nothing", () => {
    const solo = new Solo({ id: 3 });
    solo.submit(openEnvelope(alice));
    solo.order(1, someBatch(solo));
    solo.tick(5000);
    expect(solo.sent('viewChange')).toEqual([]);
  });

  test("OSDI'99 §4.4: also for a batch that was accepted and is not executed", () => {
    const solo = new Solo({ id: 3 });
    solo.message(0, prePrepare(0, 1, someBatch(solo)));
    solo.tick(700);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test("OSDI'99 §4.4: the primary does not suspect itself", () => {
    const solo = new Solo({ id: 0 });
    solo.submit(openEnvelope(alice));
    solo.tick(3000);
    expect(solo.sent('viewChange')).toEqual([]);
  });

  test("OSDI'99 §4.4: from then on it accepts nothing but checkpoints and the change of views", () => {
    const solo = new Solo({ id: 3 });
    const batch = someBatch(solo);
    solo.submit(openEnvelope(alice));
    solo.tick(700);
    solo.message(0, prePrepare(0, 1, batch));
    solo.messages([0, 1, 2], prepare(0, 1, batch.digest));
    expect([...solo.sent('prepare'), ...solo.sent('commit')]).toEqual([]);
    // What others commit is committed all the same.
    solo.messages([0, 1, 2], commit(0, 1, batch.digest));
    solo.message(0, { kind: 'batchBody', batch: batch.bytes });
    expect(solo.status.executed).toBe(1);
  });
});

describe('a VIEW-CHANGE', () => {
  test("TOCS'02 §4.5: is signed and carries view, checkpoint certificate, P and Q", () => {
    const solo = new Solo({ id: 3 });
    const [one, two] = [someBatch(solo, 1), someBatch(solo, 2)];
    solo.message(0, prePrepare(0, 1, one));
    solo.message(0, prePrepare(0, 2, two));
    solo.messages([0, 1], prepare(0, 1, one.digest));
    ask(solo, [1, 2], 1);
    const message = lastChange(solo);
    expect(message).toMatchObject({ view: 1, replica: 3, incarnation: 0, checkpoint: solo.genesis });
    expect(message.prepared).toEqual([entry(1, 0, one.digest)]);
    expect(message.prePrepared).toEqual([entry(1, 0, one.digest), entry(2, 0, two.digest)]);
    expect(message.body).toEqual(encodeViewChangeBody(message));
    expect(equalBytes(message.signature, signAs(3, 'view-change', message.body))).toBe(true);
  });

  test("TOCS'02 §4.5: P keeps what was prepared in the highest view, Q the latest view of each digest", () => {
    const solo = new Solo({ id: 3 });
    const [one, two] = [someBatch(solo, 1), someBatch(solo, 2)];
    solo.message(0, prePrepare(0, 1, one));
    solo.messages([0, 1], prepare(0, 1, one.digest));
    enter(solo, 1);
    solo.message(1, prePrepare(1, 1, two));
    solo.messages([1, 2], prepare(1, 1, two.digest));
    enter(solo, 2);
    solo.message(2, prePrepare(2, 1, one));
    ask(solo, [1, 2], 4);
    expect(lastChange(solo).prepared).toEqual([entry(1, 1, two.digest)]);
    const accepted = [entry(1, 2, one.digest), entry(1, 1, two.digest)];
    expect(new Set(lastChange(solo).prePrepared)).toEqual(new Set(accepted));
  });

  test("TOCS'02 §4.5: P and Q survive several new views in which nothing comes of them", () => {
    const solo = new Solo({ id: 3 });
    const batch = someBatch(solo);
    solo.message(0, prePrepare(0, 5, batch));
    solo.messages([0, 1], prepare(0, 5, batch.digest));
    for (const view of [1, 2, 4, 5, 6]) enter(solo, view);
    ask(solo, [1, 2], 8);
    expect(lastChange(solo).prepared).toEqual([entry(5, 0, batch.digest)]);
    expect(lastChange(solo).prePrepared).toEqual([entry(5, 0, batch.digest)]);
  });

  test("TOCS'02 §4.5: P and Q end at the stable checkpoint", () => {
    const solo = new Solo({ id: 3, config: { checkpointInterval: 4, watermarkWindow: 8 } });
    const batch = someBatch(solo, 7);
    for (let number = 1; number <= 4; number++) solo.order(number, someBatch(solo, number));
    solo.message(0, prePrepare(0, 6, batch));
    const state = solo.stateDigest();
    for (const replica of [0, 1]) solo.message(replica, checkpoint(replica, 4, state));
    ask(solo, [1, 2], 1);
    expect(lastChange(solo).checkpoint).toEqual(certificate(4, state, [0, 1, 3]));
    expect(lastChange(solo).prepared).toEqual([]);
    expect(lastChange(solo).prePrepared).toEqual([entry(6, 0, batch.digest)]);
  });

  test('DESIGN §2: Q holds 16 digests a number; beyond, the one of the lowest view goes', () => {
    const solo = new Solo({ id: 3 });
    const batches: TestBatch[] = [];
    const views = Array.from({ length: 23 }, (_, view) => view).filter((view) => view % 4 !== 3);
    for (const view of views.slice(0, 17)) {
      const batch = someBatch(solo, view);
      batches.push(batch);
      if (view > 0) enter(solo, view);
      solo.message(view % 4, prePrepare(view, 1, batch));
    }
    ask(solo, [1, 2], 40);
    const { prePrepared } = lastChange(solo);
    expect(prePrepared).toHaveLength(16);
    expect(new Set(prePrepared.map(({ digest }) => digest))).toEqual(
      new Set(batches.slice(1).map(({ digest }) => digest)),
    );
  });
});

describe('a VIEW-CHANGE is believed', () => {
  /** Two other good ones do not suffice for the new primary, a third does. */
  function isBelieved(message: ViewChange, solo = new Solo({ id: 1 })): boolean {
    solo.holdsStorage = true;
    solo.message(0, viewChange(0, 1, { checkpoint: solo.genesis }));
    solo.message(2, viewChange(2, 1, { checkpoint: solo.genesis }));
    solo.message(3, message);
    const before = solo.evidence();
    solo.store();
    const isUsed = solo
      .sent('newView')
      .some(({ viewChanges }) => viewChanges.some(({ replica }) => replica === 3));
    expect(before).toEqual(isUsed ? [] : ['INVALID_VIEW_CHANGE']);
    return isUsed;
  }
  const { genesis } = new Solo();
  const make = (content: ViewChangeContent, view = 1) =>
    viewChange(3, view, { checkpoint: genesis, ...content });

  test("OSDI'99 §4.4: if signed by its sender", () => {
    expect(isBelieved(make({ prePrepared: [entry(1, 0, d1)] }))).toBe(true);
    expect(isBelieved({ ...make({}), signature: signAs(2, 'view-change', make({}).body) })).toBe(false);
  });

  test("OSDI'99 §4.4: whoever passes it on", () => {
    const solo = new Solo({ id: 2 });
    ask(solo, [1], 5);
    solo.message(1, viewChange(3, 5, { checkpoint: solo.genesis }));
    expect(solo.status.view).toBe(5);
  });

  test("OSDI'99 §4.4: if sent by a member, for a view that can be changed to", () => {
    const solo = new Solo({ id: 1 });
    solo.message(3, viewChange(4, 1, { checkpoint: solo.genesis }));
    solo.message(3, viewChange(3, 0, { checkpoint: solo.genesis }));
    expect(solo.evidence()).toEqual(['INVALID_VIEW_CHANGE', 'INVALID_VIEW_CHANGE']);
  });

  test("TOCS'02 §4.5: if P and Q are of earlier views", () => {
    expect(isBelieved(make({ prepared: [entry(1, 1, d1)] }))).toBe(false);
    expect(isBelieved(make({ prePrepared: [entry(1, 1, d1)] }))).toBe(false);
  });

  test("TOCS'02 §4.5: if P and Q lie between the watermarks of its checkpoint", () => {
    expect(isBelieved(make({ prePrepared: [entry(256, 0, d1)] }))).toBe(true);
    expect(isBelieved(make({ prePrepared: [entry(257, 0, d1)] }))).toBe(false);
    expect(isBelieved(make({ prepared: [entry(257, 0, d1)] }))).toBe(false);
    expect(isBelieved(make({ prepared: [entry(0, 0, d1)] }))).toBe(false);
    const checkpoint128 = certificate(128, d2, [0, 2, 3]);
    expect(isBelieved(make({ checkpoint: checkpoint128, prePrepared: [entry(128, 0, d1)] }))).toBe(false);
  });

  test('DESIGN §2: if its checkpoint is proven', () => {
    expect(isBelieved(make({ checkpoint: certificate(128, d1, [0, 3]) }))).toBe(false);
    expect(isBelieved(make({ checkpoint: certificate(100, d1, [0, 2, 3]) }))).toBe(false);
    expect(isBelieved(make({ checkpoint: { ...genesis, stateDigest: d1 } }))).toBe(false);
  });

  test("OSDI'99 §4.4: the later one of a replica replaces the earlier", () => {
    const solo = new Solo({ id: 1, n: 7 });
    ask(solo, [3], 4);
    ask(solo, [3], 2);
    ask(solo, [4], 6);
    ask(solo, [5], 6);
    expect(solo.status.view).toBe(4);
  });
});

describe('timers', () => {
  test("OSDI'99 §4.5.2: the view-change timer does not run without a quorum of VIEW-CHANGEs", () => {
    const solo = new Solo({ id: 3, n: 7 });
    solo.submit(openEnvelope(alice));
    solo.tick(700);
    ask(solo, [0, 1, 2], 1);
    solo.tick(20_000);
    expect(solo.status).toMatchObject({ view: 1, isActive: false });
  });

  test("OSDI'99 §4.5.2: with a quorum it runs, and its end asks for the next view", () => {
    const solo = new Solo({ id: 3 });
    ask(solo, [0, 2], 1);
    solo.tick(490);
    expect(solo.status.view).toBe(1);
    solo.tick(10);
    expect(solo.status).toMatchObject({ view: 2, isActive: false });
  });

  test("OSDI'99 §4.5.2: VIEW-CHANGEs for later views count towards the quorum", () => {
    const solo = new Solo({ id: 3 });
    solo.submit(openEnvelope(alice));
    solo.tick(700);
    ask(solo, [0], 1);
    solo.tick(1500);
    expect(solo.status.view).toBe(1);
    solo.message(2, viewChange(2, 7, { checkpoint: solo.genesis }));
    solo.tick(1000);
    expect(solo.status.view).toBeGreaterThan(1);
  });

  test("OSDI'99 §4.5.2: each view that fails doubles the timeout", () => {
    const solo = new Solo({ id: 3 });
    ask(solo, [0, 2], 1);
    solo.tick(500);
    ask(solo, [0, 2], 2);
    solo.tick(990);
    expect(solo.status.view).toBe(2);
    solo.tick(10);
    expect(solo.status.view).toBe(3);
    ask(solo, [0, 2], 3);
    solo.tick(1990);
    expect(solo.status.view).toBe(3);
  });

  test("TOCS'02 §4.5: the timeout shrinks again when requests are executed in time", () => {
    const solo = new Solo({ id: 3 });
    ask(solo, [0, 2], 1);
    solo.tick(500);
    enter(solo, 2);
    solo.submit(openEnvelope(alice, 9));
    solo.tick(1390);
    expect(solo.status).toMatchObject({ view: 2, isActive: true });
    solo.order(1, someBatch(solo, 9), 2);
    solo.submit(openEnvelope(alice, 10));
    solo.tick(1390);
    expect(solo.status).toMatchObject({ view: 2, isActive: true });
    solo.order(2, someBatch(solo, 10), 2);
    solo.order(3, someBatch(solo, 11), 2);
    solo.submit(openEnvelope(alice, 12));
    solo.tick(690);
    expect(solo.status).toMatchObject({ view: 2, isActive: true });
    solo.tick(10);
    expect(solo.status).toMatchObject({ view: 3, isActive: false });
  });

  test("TOCS'02 §4.5: while more waits than any primary can order in time, views last longer, up to eight times", () => {
    const solo = new Solo({ id: 3 });
    solo.submit(openEnvelope(alice, 1));
    const prepared: ViewEntry[] = [];
    const lasted: number[] = [];
    for (const view of [0, 1, 2, 4, 5]) {
      if (view > 0) {
        ask(solo, [0, 1, 2], view);
        enter(solo, view, { prepared, prePrepared: prepared }, prepared);
      }
      const since = solo.nowMs;
      while (solo.status.isActive && solo.nowMs - since < 10_000) {
        if ((solo.nowMs - since) % 500 === 0) {
          const number = prepared.length + 1;
          const batch = someBatch(solo, 10 + number);
          solo.order(number, batch, view);
          prepared.push(entry(number, view, batch.digest));
        }
        solo.tick(10);
      }
      lasted.push(solo.nowMs - since);
    }
    expect(lasted).toEqual([700, 1_400, 2_800, 5_600, 5_600]);
  });

  test("TOCS'02 §4.5: a view that ends because its primary has had its turn shrinks it too, whatever is overdue", () => {
    const solo = new Solo({ id: 3, config: { rotateAfterBatches: 1 } });
    for (let nonce = 1; nonce <= 8; nonce++) solo.submit(openEnvelope(alice, nonce));
    ask(solo, [0, 2], 1);
    solo.tick(500);
    enter(solo, 2);
    solo.tick(800);
    solo.order(1, someBatch(solo, 1), 2);
    solo.tick(10);
    expect(solo.status).toMatchObject({ view: 3, isActive: false });
    ask(solo, [0, 1], 4);
    enter(solo, 4);
    solo.tick(690);
    expect(solo.status).toMatchObject({ view: 4, isActive: true });
    solo.tick(10);
    expect(solo.status).toMatchObject({ view: 5, isActive: false });
  });

  test("OSDI'99 §4.5.2: f + 1 VIEW-CHANGEs for higher views make it join the lowest of them, at once", () => {
    const solo = new Solo({ id: 3 });
    ask(solo, [0], 5);
    expect(solo.status.view).toBe(0);
    ask(solo, [1], 3);
    expect(solo.status).toMatchObject({ view: 3, isActive: false });
    const seven = new Solo({ id: 3, n: 7 });
    ask(seven, [0], 9);
    ask(seven, [1], 5);
    expect(seven.status.view).toBe(0);
    ask(seven, [2], 6);
    expect(seven.status.view).toBe(5);
  });

  test("OSDI'99 §4.5.2: f faulty replicas alone cannot make it leave (pitfall 1)", () => {
    const solo = new Solo({ id: 3, n: 7 });
    for (let view = 1; view < 50; view++) ask(solo, [0, 1], view);
    solo.tick(5000);
    expect(solo.status).toMatchObject({ view: 0, isActive: true });
  });

  test("OSDI'99 §4.4: a new view gives old requests the full time again", () => {
    const solo = new Solo({ id: 3 });
    solo.submit(openEnvelope(alice));
    solo.tick(600);
    enter(solo, 1);
    solo.tick(600);
    expect(solo.status).toMatchObject({ view: 1, isActive: true });
  });
});
