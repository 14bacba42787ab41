/** Some backups check a proposal first, the others go by their votes (DESIGN section 2, what a backup checks). */
import { describe, expect, test } from 'vitest';
import { clientId } from '../../src/base/index.js';
import type { Envelope } from '../../src/codec/index.js';
import { Lockstep, openEnvelope, withMacs } from '../support/lockstep.js';
import { batchOf, prepare, prePrepare, type TestBatch } from '../support/messages.js';
import { Solo } from '../support/solo.js';

const clientOf = (index: number) => clientId(index.toString(16).padStart(2, '0').repeat(32));
const manyEnvelopes = (count = 32): Envelope[] =>
  Array.from({ length: count }, (_, index) => openEnvelope(clientOf(index)));

/** Of four replicas in view 0 the backup 2 is first to check what has number 1 or 4, 3 for 2 and 5, 1 for 3. */
const numberOf = { first1: 3, first2: 1, again2: 4, first3: 2 };

const manyAt = (solo: Solo, count?: number): TestBatch => batchOf(solo.nowMs, ...manyEnvelopes(count));

function oneForged(solo: Solo): TestBatch {
  const [first, ...others] = manyEnvelopes();
  const forged = { ...first!, bytes: first!.bytes.slice() };
  forged.bytes[forged.bytes.length - 1]! ^= 1;
  return batchOf(solo.nowMs, forged, ...others);
}

/** Longer than others have: the time is up at the first tick, and taken for that at the next. */
function wait(solo: Solo): void {
  solo.jump(11);
  solo.jump(1);
}

const prepared = (solo: Solo): number[] => solo.sent('prepare').map(({ sequenceNumber }) => sequenceNumber);

describe('a proposal of many envelopes', () => {
  test('DESIGN §2: is checked at once by f backups, in turns', () => {
    for (const [id, number] of [
      [1, numberOf.first1],
      [2, numberOf.first2],
      [3, numberOf.first3],
    ] as const) {
      const solo = new Solo({ id });
      for (const each of [1, 2, 3]) solo.message(0, prePrepare(0, each, manyAt(solo)));
      expect(prepared(solo)).toEqual([number]);
    }
  });

  test.each([4, 5, 6, 7, 8, 10])(
    'DESIGN §2: so many that f+1 vouch for it with the primary (n = %i)',
    (n) => {
      const f = Math.floor((n - 1) / 3);
      for (let number = 1; number < n; number++) {
        const backups = Array.from({ length: n - 1 }, (_, index) => new Solo({ id: index + 1, n }));
        for (const solo of backups) solo.message(0, prePrepare(0, number, manyAt(solo)));
        expect(backups.filter((solo) => prepared(solo).length > 0)).toHaveLength(f);
      }
    },
  );

  test('DESIGN §2: is accepted by the others unchecked once f+1 have prepared or committed it', () => {
    const solo = new Solo();
    const batch = oneForged(solo);
    solo.message(0, prePrepare(0, numberOf.first2, batch));
    solo.message(0, prepare(0, numberOf.first2, batch.digest));
    expect(prepared(solo)).toEqual([]);
    solo.message(2, prepare(0, numberOf.first2, batch.digest));
    expect(prepared(solo)).toEqual([numberOf.first2]);
    expect(solo.evidence()).toEqual([]);
  });

  test('DESIGN §2: is checked by the others too, when those who were to be first take too long', () => {
    const solo = new Solo();
    solo.message(0, prePrepare(0, numberOf.first2, manyAt(solo)));
    solo.jump(6);
    solo.jump(1);
    expect(prepared(solo)).toEqual([]);
    solo.jump(1);
    expect(prepared(solo)).toEqual([numberOf.first2]);
  });

  test('others have twice the time that the checks take here, from a sixteenth to an eighth of a millisecond each', () => {
    const patienceAfter = (checksTakeMs: number): number | undefined => {
      const solo = new Solo();
      for (let number = numberOf.first1; number < 60; number += 3) {
        solo.message(0, prePrepare(0, number, manyAt(solo)));
        solo.jump(checksTakeMs);
      }
      solo.message(0, prePrepare(0, 61, manyAt(solo)));
      const times = Array.from({ length: 20 }, (_, index) => index + 1);
      return times.find(() => {
        solo.jump(1);
        return prepared(solo).includes(61);
      });
    };
    // Beside a hop of 2 ms, and two ticks to notice.
    expect([1, 2, 3, 4, 20].map(patienceAfter)).toEqual([8, 8, 9, 11, 11]);
  });

  test('a vote that lies in the queue when the time is up is in time', () => {
    const solo = new Solo();
    const batch = oneForged(solo);
    solo.message(0, prePrepare(0, numberOf.first2, batch));
    solo.jump(100);
    solo.messages([0, 2], prepare(0, numberOf.first2, batch.digest));
    expect(prepared(solo)).toEqual([numberOf.first2]);
    expect(solo.evidence()).toEqual([]);
  });

  test('DESIGN §2: is rejected by whoever checks it, late or not', () => {
    const [first, late] = [new Solo({ id: 2 }), new Solo({ id: 1 })];
    for (const solo of [first, late]) solo.message(0, prePrepare(0, numberOf.first2, oneForged(solo)));
    expect(first.evidence()).toEqual(['BATCH_NOT_AUTHENTIC']);
    expect(late.evidence()).toEqual([]);
    wait(late);
    expect(late.evidence()).toEqual(['BATCH_NOT_AUTHENTIC']);
    expect(prepared(late)).toEqual([]);
  });

  test('is rejected at once if no correct primary would propose so many', () => {
    const solo = new Solo({ config: { batchOperationsMax: 31 } });
    solo.message(0, prePrepare(0, numberOf.first2, manyAt(solo)));
    expect(solo.evidence()).toEqual(['BATCH_NOT_AUTHENTIC']);
  });

  test('nobody waits again soon for who was waited for in vain, and for no other reason', () => {
    const solo = new Solo();
    const [batch, other] = [manyAt(solo), manyAt(solo)];
    solo.message(0, prePrepare(0, numberOf.first2, batch));
    solo.message(0, prepare(0, numberOf.first2, batch.digest));
    wait(solo);
    solo.message(0, prePrepare(0, numberOf.first3, other));
    expect(prepared(solo)).toEqual([numberOf.first2]);
    solo.messages([0, 3], prepare(0, numberOf.first3, other.digest));
    solo.message(0, prePrepare(0, numberOf.again2, manyAt(solo)));
    expect(prepared(solo)).toEqual([numberOf.first2, numberOf.first3, numberOf.again2]);
    solo.jump(500);
    solo.message(0, prePrepare(0, numberOf.again2 + 3, manyAt(solo)));
    expect(prepared(solo)).not.toContain(numberOf.again2 + 3);
  });

  test('who is waited for in vain again and again is left alone longer, until he does his part', () => {
    const solo = new Solo();
    let number = numberOf.first2 - 3;
    const isWaitedFor = (): boolean => {
      number += 3;
      solo.message(0, prePrepare(0, number, manyAt(solo)));
      return !prepared(solo).includes(number);
    };
    const vouch = (...from: number[]): void =>
      solo.messages(from, prepare(0, number, manyAt(solo, undefined).digest));
    for (const ms of [500, 1_000]) {
      expect(isWaitedFor()).toBe(true);
      const batch = manyAt(solo);
      solo.message(0, prepare(0, number, batch.digest));
      wait(solo);
      solo.jump(ms - 1);
      expect(isWaitedFor()).toBe(false);
      solo.jump(1);
    }
    expect(isWaitedFor()).toBe(true);
    vouch(0, 2);
    expect(prepared(solo)).toContain(number);
    expect(isWaitedFor()).toBe(true);
    solo.message(0, prepare(0, number, manyAt(solo).digest));
    wait(solo);
    solo.jump(500);
    expect(isWaitedFor()).toBe(true);
  });

  test('a few envelopes, and MACs, are checked at once by all', () => {
    const solo = new Solo();
    solo.message(0, prePrepare(0, numberOf.first2, manyAt(solo, 31)));
    const macs = manyEnvelopes().map((envelope) => withMacs(envelope));
    solo.message(0, prePrepare(0, numberOf.first3, batchOf(solo.nowMs, ...macs)));
    expect(prepared(solo)).toEqual([numberOf.first2, numberOf.first3]);
  });
});

test.each([1, 2, 3])('a backup that never votes holds up nothing for long (%i)', (silent) => {
  const cluster = new Lockstep(4, { sharedChecksMin: 1 });
  cluster.filter = ({ from, message }) => (from === silent ? null : message);
  for (let index = 0; index < 12; index++) cluster.submit(openEnvelope(clientOf(index)));
  cluster.tick(300);
  expect(cluster.nodes.map(({ replica }) => replica.status().view)).toEqual([0, 0, 0, 0]);
  expect(cluster.node(0).replica.status()).toMatchObject({ pending: 0 });
});
