/** Who says that the primary is slow, and when that is enough (Aardvark, NSDI'09, section 4.3; pitfall 12). */
import { describe, expect, test } from 'vitest';
import { alice, openEnvelope } from '../support/lockstep.js';
import { batchOf, status } from '../support/messages.js';
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
    solo.message(1, status({ findsPrimarySlow: true }));
    suffer(solo, 34);
    expect(solo.sent('viewChange')).toEqual([]);
    suffer(solo, 2);
    expect(solo.sent('viewChange')).toMatchObject([{ view: 1 }]);
  });
});
