/** Who says that the primary is slow, and when that is enough (Aardvark, NSDI'09, section 4.3; pitfall 12). */
import { describe, expect, test } from 'vitest';
import type { Envelope } from '../../src/codec/index.js';
import { addEnvelope, alice, bob, openEnvelope } from '../support/lockstep.js';
import { batchOf, certificate, digestOf, status, viewChange } from '../support/messages.js';
import { Solo } from '../support/solo.js';

/** The primary takes 200 ms for each request though nothing is under way. */
function suffer(solo: Solo, requests = 40): void {
  for (let number = 1; number <= requests; number++) {
    const envelope = openEnvelope(alice, number);
    solo.submit(envelope);
    solo.tick(200);
    if (solo.status.isActive) solo.order(number, batchOf(solo.nowMs, envelope));
  }
}

/** One window in which it is fast: a backup that found it slow no longer does. */
function recover(solo: Solo): void {
  const next = solo.status.executed + 1;
  for (let number = next; number < next + 26; number++) {
    const envelope = openEnvelope(bob, number);
    solo.submit(envelope);
    solo.tick(10);
    solo.order(number, batchOf(solo.nowMs, envelope));
  }
  solo.tick(100);
  expect(solo.sent('status').at(-1)).toMatchObject({ findsPrimarySlow: false });
}

describe('a backup that finds the primary slow', () => {
  test('says so in its STATUS and stays if nobody agrees', () => {
    const solo = new Solo({ id: 3 });
    suffer(solo);
    expect(solo.sent('status').at(-1)).toMatchObject({ view: 0, findsPrimarySlow: true });
    expect(solo.sent('viewChange')).toEqual([]);
  });

  test('leaves the view once f others say the same of it', () => {
    const solo = new Solo({ id: 3 });
    suffer(solo);
    solo.message(1, status({ view: 1, findsPrimarySlow: true }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.message(1, status({ findsPrimarySlow: true }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('does not believe others who say so', () => {
    const solo = new Solo({ id: 3 });
    for (const replica of [1, 2]) solo.message(replica, status({ findsPrimarySlow: true }));
    solo.tick(5_000);
    expect(solo.sent('viewChange')).toEqual([]);
  });

  test('gives it its time first', () => {
    const solo = new Solo({ id: 3, config: { throughputGraceMs: 7_000 } });
    suffer(solo, 34);
    solo.message(1, status({ findsPrimarySlow: true }));
    expect(solo.sent('viewChange')).toEqual([]);
    suffer(solo, 2);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('says nothing before that, so that nobody leaves on the word of one who stays', () => {
    const solo = new Solo({ id: 3, config: { throughputGraceMs: 60_000 } });
    suffer(solo);
    expect(solo.sent('status').some(({ findsPrimarySlow }) => findsPrimarySlow)).toBe(false);
  });

  test.each([
    ['a moment ago', 0, 1],
    ['long ago', 5_000, 0],
  ])('follows who left, if it said so itself %s', (_, passedMs, left) => {
    const solo = new Solo({ id: 3 });
    suffer(solo);
    recover(solo);
    solo.tick(passedMs);
    solo.message(1, viewChange(1, 1, { checkpoint: solo.genesis }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toHaveLength(left);
  });

  test('leaves on words that were taken back a moment ago only after one who left', () => {
    const solo = new Solo({ id: 6, n: 7 });
    suffer(solo);
    for (const replica of [1, 2]) {
      solo.message(replica, status({ findsPrimarySlow: true }));
      solo.message(replica, status({}));
    }
    solo.tick(10);
    expect(solo.sent('viewChange')).toEqual([]);
    recover(solo);
    solo.message(2, viewChange(2, 1, { checkpoint: solo.genesis }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('does not leave on such words if who left did so long before', () => {
    const solo = new Solo({ id: 6, n: 7 });
    solo.message(5, viewChange(5, 9, { checkpoint: solo.genesis }));
    suffer(solo);
    recover(solo);
    solo.message(1, status({ findsPrimarySlow: true }));
    solo.message(1, status({}));
    solo.tick(10);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.message(4, viewChange(4, 1, { checkpoint: solo.genesis }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('does not leave on a word that was not said again for long', () => {
    const solo = new Solo({ id: 3 });
    solo.message(1, status({ findsPrimarySlow: true }));
    solo.tick(5_000);
    suffer(solo);
    expect(solo.sent('status').at(-1)).toMatchObject({ findsPrimarySlow: true });
    expect(solo.sent('viewChange')).toEqual([]);
  });

  test('says so no more while it fetches a state, but keeps its word', () => {
    const solo = new Solo({ id: 3 });
    suffer(solo);
    const ahead = certificate(1_024, digestOf('ahead'), [0, 1, 2]);
    solo.message(1, { kind: 'stableCheckpoint', certificate: ahead });
    solo.tick(200);
    expect(solo.sent('fetchState')).not.toEqual([]);
    expect(solo.sent('status').at(-1)).toMatchObject({ findsPrimarySlow: false });
    solo.message(1, status({ findsPrimarySlow: true }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.message(1, viewChange(1, 1, { checkpoint: solo.genesis }));
    solo.tick(10);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('leaves with f who have left for whatever reason', () => {
    const solo = new Solo({ id: 3 });
    solo.message(1, viewChange(1, 1, { checkpoint: solo.genesis }));
    expect(solo.sent('viewChange')).toEqual([]);
    suffer(solo);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });
});

/** Bob waits 40 ms each time; of Alice there is something in each of the batches meanwhile. */
function passOver(solo: Solo, batchesEach10Ms: number): void {
  const session = solo.open(alice, 1);
  let number = 1;
  const order = (envelope: Envelope): void => {
    number += 1;
    if (solo.status.isActive) solo.order(number, batchOf(solo.nowMs, envelope));
  };
  for (let wait = 1; wait <= 40 && solo.status.isActive; wait++) {
    const envelope = openEnvelope(bob, wait);
    solo.submit(envelope);
    for (let batch = 0; batch < 4 * batchesEach10Ms; batch++) {
      if (batch % batchesEach10Ms === 0) solo.tick(10);
      order(addEnvelope(alice, session, number, [1]));
    }
    order(envelope);
  }
}

describe("Aardvark (NSDI'09) section 4.4: a primary that serves others while a client waits", () => {
  const config = { checkpointInterval: 10_000, watermarkWindow: 20_000, throughputGraceMs: 500 };
  const agree = (solo: Solo) => solo.message(2, status({ findsPrimarySlow: true }));

  test('is left by f+1 that see it again and again', () => {
    const solo = new Solo({ id: 3, config });
    agree(solo);
    passOver(solo, 3);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });

  test('is not left by one alone', () => {
    const solo = new Solo({ id: 3, config });
    passOver(solo, 3);
    expect(solo.sent('status').at(-1)).toMatchObject({ findsPrimarySlow: true });
    expect(solo.sent('viewChange')).toEqual([]);
  });

  test('stays if what was served meanwhile may have been on its way', () => {
    const solo = new Solo({ id: 3, config });
    agree(solo);
    passOver(solo, 2);
    expect(solo.status.executed).toBeGreaterThan(300);
    expect(solo.sent('viewChange')).toHaveLength(0);
  });

  test('is not blamed for what another envelope of the same client made void', () => {
    const solo = new Solo({ id: 3, config });
    agree(solo);
    const session = solo.open(alice, 1);
    const mine = solo.open(bob, 2);
    // Numbers 1 and 2 reach the backups alone; number 2, which says that both are done with, is ordered.
    for (let number = 3; number < 600; number++) {
      const done = 2 * number;
      if (number % 12 === 3) {
        solo.submit(addEnvelope(bob, mine, done, [1, 1]));
        solo.tick(10);
        solo.order(number, batchOf(solo.nowMs, addEnvelope(bob, mine, done + 2, [1], done + 2)));
      } else solo.order(number, batchOf(solo.nowMs, addEnvelope(alice, session, number, [1])));
      solo.tick(10);
    }
    expect(solo.sent('status').some(({ findsPrimarySlow }) => findsPrimarySlow)).toBe(false);
    expect(solo.sent('viewChange')).toHaveLength(0);
  });
});
