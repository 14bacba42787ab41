/** Some backups check a proposal first, the others go by their votes (DESIGN section 2, what a backup checks). */
import { describe, expect, test } from 'vitest';
import { clientId } from '../../src/base/index.js';
import type { Envelope } from '../../src/codec/index.js';
import { Lockstep, openEnvelope, withMacs } from '../support/lockstep.js';
import { batchOf, prepare, prePrepare, type TestBatch } from '../support/messages.js';
import { Solo } from '../support/solo.js';

const clientOf = (index: number) => clientId(index.toString(16).padStart(2, '0').repeat(32));
const manyEnvelopes = (count = 16): Envelope[] =>
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

  test.each([7, 10])('DESIGN §2: so many that f+1 vouch for it with the primary (n = %i)', (n) => {
    const f = Math.floor((n - 1) / 3);
    for (let number = 1; number < n; number++) {
      const backups = Array.from({ length: n - 1 }, (_, index) => new Solo({ id: index + 1, n }));
      for (const solo of backups) solo.message(0, prePrepare(0, number, manyAt(solo)));
      expect(backups.filter((solo) => prepared(solo).length > 0)).toHaveLength(f);
    }
  });

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
    solo.jump(8);
    expect(prepared(solo)).toEqual([]);
    solo.jump(1);
    expect(prepared(solo)).toEqual([numberOf.first2]);
  });

  test('DESIGN §2: is rejected by whoever checks it, late or not', () => {
    const [first, late] = [new Solo({ id: 2 }), new Solo({ id: 1 })];
    for (const solo of [first, late]) solo.message(0, prePrepare(0, numberOf.first2, oneForged(solo)));
    expect(first.evidence()).toEqual(['BATCH_NOT_AUTHENTIC']);
    expect(late.evidence()).toEqual([]);
    late.jump(9);
    expect(late.evidence()).toEqual(['BATCH_NOT_AUTHENTIC']);
    expect(prepared(late)).toEqual([]);
  });

  test('nobody waits again soon for who was waited for in vain, and for no other reason', () => {
    const solo = new Solo();
    const batch = manyAt(solo);
    solo.message(0, prePrepare(0, numberOf.first2, batch));
    solo.message(0, prepare(0, numberOf.first2, batch.digest));
    solo.jump(9);
    const other = manyAt(solo);
    solo.message(0, prePrepare(0, numberOf.first3, other));
    expect(prepared(solo)).toEqual([numberOf.first2]);
    solo.messages([0, 3], prepare(0, numberOf.first3, other.digest));
    solo.message(0, prePrepare(0, numberOf.again2, manyAt(solo)));
    expect(prepared(solo)).toEqual([numberOf.first2, numberOf.first3, numberOf.again2]);
    solo.jump(500);
    solo.message(0, prePrepare(0, numberOf.again2 + 3, manyAt(solo)));
    expect(prepared(solo)).not.toContain(numberOf.again2 + 3);
  });

  test('a few envelopes, and MACs, are checked at once by all', () => {
    const solo = new Solo();
    solo.message(0, prePrepare(0, numberOf.first2, manyAt(solo, 15)));
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
