/**
 * Agreed time (DESIGN sections 2 and 3): the primary proposes it, backups bound it by their own clocks, execution
 * makes it monotonic, and deadlines move it when nothing else does (pitfalls 16 and 18).
 */
import { describe, expect, test } from 'vitest';
import { decodeBatch } from '../../src/codec/index.js';
import { defaultOrderingConfig } from '../../src/ordering/index.js';
import { addEnvelope, alice, openEnvelope } from '../support/lockstep.js';
import { batchOf, prePrepare } from '../support/messages.js';
import { Solo } from '../support/solo.js';

const skewMs = defaultOrderingConfig.clockSkewMaxMs;
const { requestTimeoutMs } = defaultOrderingConfig;

describe('a fresh proposal', () => {
  const prepares = (solo: Solo): number => solo.sent('prepare').length;

  test('DESIGN §2: is accepted with a time within clockSkewMax of the own clock', () => {
    for (const offset of [-skewMs, 0, skewMs]) {
      const solo = new Solo();
      solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs + offset, openEnvelope(alice))));
      expect(prepares(solo)).toBe(1);
    }
  });

  test('DESIGN §2: is not accepted with an older time, ever', () => {
    const solo = new Solo();
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs - skewMs - 1, openEnvelope(alice))));
    solo.tick(3_000);
    expect(prepares(solo)).toBe(0);
  });

  test('DESIGN §2: is accepted with a later time once the own clock is close enough', () => {
    const solo = new Solo();
    solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs + skewMs + 100, openEnvelope(alice))));
    solo.tick(90);
    expect(prepares(solo)).toBe(0);
    solo.tick(10);
    expect(prepares(solo)).toBe(1);
  });
});

describe('execution', () => {
  test('DESIGN §2: ordered time is the highest batch time so far', () => {
    const solo = new Solo();
    const start = solo.nowMs;
    const session = solo.open(alice, 1);
    solo.order(2, batchOf(start + 50, addEnvelope(alice, session, 1, [1])));
    solo.order(3, batchOf(start + 20, addEnvelope(alice, session, 2, [1])));
    solo.order(4, batchOf(start + 60, addEnvelope(alice, session, 3, [1])));
    expect(solo.counter.executed.map(({ time }) => time - start)).toEqual([50, 50, 60]);
    expect(solo.of('deliver').map(({ time }) => time - start)).toEqual([0, 50, 50, 60]);
  });

  test('DESIGN §3: the state machine is told the time before the operations of every batch, empty ones too', () => {
    const solo = new Solo();
    const start = solo.nowMs;
    const session = solo.open(alice, 1);
    solo.counter.deadline = start + 30;
    solo.tick(30);
    solo.order(2, batchOf(start + 30));
    expect(solo.counter.times.map((time) => time - start)).toEqual([0, 30]);
    expect(solo.counter.deadline).toBeNull();
    solo.counter.deadline = start + 40;
    solo.order(3, batchOf(start + 40, addEnvelope(alice, session, 1, [5])));
    expect(solo.counter.times.map((time) => time - start)).toEqual([0, 30, 40]);
    expect(solo.counter.value).toBe(5);
  });
});

describe('an idle primary', () => {
  const proposals = (solo: Solo) => solo.sent('prePrepare').map(({ batch }) => decodeBatch(batch)!);

  test('DESIGN §3: proposes an empty batch when its clock reaches the deadline, not before', () => {
    const solo = new Solo({ id: 0 });
    const deadline = solo.nowMs + 1_000;
    solo.counter.deadline = deadline;
    solo.tick(990);
    expect(proposals(solo)).toEqual([]);
    solo.tick(10);
    expect(proposals(solo)).toEqual([{ time: deadline, envelopes: [] }]);
  });

  test('DESIGN §3: proposes none while another is under way, and one per 50 ms at most', () => {
    const solo = new Solo({ id: 0 });
    solo.counter.deadline = solo.nowMs;
    solo.tick(200);
    expect(proposals(solo)).toHaveLength(1);
    const [first] = solo.sent('prePrepare');
    solo.clear();
    solo.order(1, batchOf(decodeBatch(first!.batch)!.time!));
    solo.counter.deadline = solo.nowMs;
    solo.tick(10);
    solo.order(2, batchOf(proposals(solo)[0]!.time!));
    solo.clear();
    solo.counter.deadline = solo.nowMs;
    solo.tick(40);
    expect(proposals(solo)).toEqual([]);
    solo.tick(10);
    expect(proposals(solo)).toHaveLength(1);
  });
});

describe('a backup', () => {
  test('DESIGN §3: accepts an empty batch only if it is due, with a time that reaches the deadline', () => {
    const cases = [
      { deadline: null, isAccepted: false },
      { deadline: 1, isAccepted: false },
      { deadline: 0, isAccepted: true },
      { deadline: -100, isAccepted: true },
    ];
    for (const { deadline, isAccepted } of cases) {
      const solo = new Solo();
      solo.counter.deadline = deadline === null ? null : solo.nowMs + deadline;
      solo.message(0, prePrepare(0, 1, batchOf(solo.nowMs)));
      expect(solo.sent('prepare')).toHaveLength(isAccepted ? 1 : 0);
    }
  });

  test('DESIGN §3: suspects the primary a request timeout after its own clock is clockSkewMax past the deadline', () => {
    const solo = new Solo();
    solo.tick(5_000);
    solo.counter.deadline = solo.nowMs + 1_000;
    solo.tick(1_000 + skewMs + requestTimeoutMs - 10);
    expect(solo.sent('viewChange')).toEqual([]);
    solo.tick(10);
    expect(solo.sent('viewChange').map(({ view }) => view)).toEqual([1]);
  });

  test('DESIGN §3: asks for nothing while nothing is due', () => {
    const solo = new Solo();
    solo.tick(20_000);
    solo.counter.deadline = solo.nowMs + 60_000;
    solo.tick(60_000);
    expect(solo.sent('viewChange')).toEqual([]);
  });
});
