/** The checkers that know time, on histories made by hand: each accepts what is true and bites what is not. */
import { describe, expect, it } from 'vitest';
import { clientId, clientName } from '../../src/base/index.js';
import { any, encodeResult } from '../../src/codec/index.js';
import type { Entry, Operation, Result, Template } from '../../src/codec/index.js';
import { defaultOrderingConfig } from '../../src/ordering/index.js';
import type { CommittedStep, Execution } from '../../src/sim/checkers/committed-order.js';
import { checkFastReadDeadlines } from '../../src/sim/checkers/fast-read-deadlines.js';
import { checkFastReads } from '../../src/sim/checkers/fast-reads.js';
import { HolderTruth } from '../../src/sim/checkers/holder-truth.js';
import { IdleExpiry, idleExpiryBoundMs } from '../../src/sim/checkers/idle-expiry.js';
import { checkLeaseTruth } from '../../src/sim/checkers/lease-truth.js';
import { isLinearizable } from '../../src/sim/checkers/linearizability.js';
import { positionsOf, stepQuietly } from '../../src/sim/checkers/replay.js';
import { spaceModel } from '../../src/sim/checkers/space-history.js';
import { defaultLeaseLimits } from '../../src/sim/checkers/tuple-space-model.js';
import type { SpaceCall } from '../../src/sim/checkers/tuple-space-model.js';
import type { HistoryEntry } from '../../src/sim/history.js';
import { batches, client, entry, executedAt, freshService, steps } from './histories.js';

const space = 'default';
const anyOne: Template = [any];
const out = (key: string, lease: number | null): Operation => ({ kind: 'out', space, tuple: [key], lease });
const rdp: Operation = { kind: 'rdp', space, template: anyOne };
const inp: Operation = { kind: 'inp', space, template: anyOne };
const count: Operation = { kind: 'count', space, template: anyOne };
const renew = (lease: number): Operation => ({ kind: 'renew', space, template: anyOne, lease });
const cas = (lease: number | null): Operation => ({
  kind: 'cas',
  space,
  template: anyOne,
  tuple: ['c'],
  lease,
});

describe('lease truth', () => {
  const run: readonly (readonly [number, Operation])[] = [
    [1_000, out('a', 2_200)],
    [1_500, out('b', null)],
    [2_000, renew(3_000)],
    [2_100, renew(100)],
    [4_999, count],
    [5_000, rdp],
    [5_000, inp],
    [5_100, cas(99_999_999_999)],
    [5_200, { kind: 'replace', space, template: anyOne, tuple: ['r'], lease: 2_500 }],
    [7_699, { kind: 'rdAll', space, template: anyOne, limit: 0, after: 0n }],
    [7_700, { kind: 'inAll', space, template: anyOne, limit: 0 }],
    [7_800, cas(2_200)],
  ];
  const executions = executedAt(run);

  /** The same with another result for one of them. */
  function told(index: number, result: Result): Execution[] {
    return executions.map((one, at) => (at === index ? { ...one, result: encodeResult(result) } : one));
  }
  const check = (checked: readonly Execution[]): void => checkLeaseTruth(steps(checked), defaultLeaseLimits);
  const a: Entry = { id: 1n, tuple: ['a'], owner: clientName(client), deadline: 5_000 };

  it('accepts what a fresh service answers', () => {
    expect(() => check(executions)).not.toThrow();
  });

  const lies: readonly (readonly [string, number, Result, string])[] = [
    ['an entry seen at its deadline', 5, { kind: 'entry', entry: a }, 'seen 0 ms after its deadline'],
    ['an entry taken at its deadline', 6, { kind: 'entry', entry: a }, 'seen 0 ms after its deadline'],
    ['an entry missed before its deadline', 4, { kind: 'count', count: 1 }, 'counted 1, 2 are there'],
    ['an untimed entry missed', 5, { kind: 'entry', entry: null }, 'though it stays'],
    [
      'a cas beside an entry',
      7,
      { kind: 'cas', inserted: false, entry: a },
      'taken or never there|after its',
    ],
    [
      'a deadline that does not fit the lease',
      0,
      { kind: 'entry', entry: { ...a, deadline: 3_201 } },
      'given the deadline 3201',
    ],
    [
      'a renewal that changed nothing',
      2,
      { kind: 'entry', entry: { ...a, deadline: 3_200 } },
      'shown with the deadline 3200',
    ],
    ['a renewal that found nothing', 2, { kind: 'entry', entry: null }, 'not seen, 3000 ms before'],
    ['a lease that is too short', 3, { kind: 'entry', entry: a }, 'granted against the least one'],
    [
      'a lease refused for no reason',
      0,
      { kind: 'refused', code: 'LEASE_TOO_SHORT', detail: 2_200 },
      'refused against the least one',
    ],
  ];
  for (const [what, index, result, message] of lies) {
    it(`notices ${what}`, () => {
      expect(() => check(told(index, result))).toThrow(new RegExp(message));
    });
  }
});

describe('fast reads and leases', () => {
  const executions = executedAt([[1_000, out('a', 2_200)]]);
  const committed = steps(executions, [2_000, 3_200]);
  const wrote = entry({
    number: 1,
    operation: out('a', 2_200),
    from: 0,
    to: 10,
    result: executions[0]!.result!,
  });
  const read = (counted: number, from: number, to: number): HistoryEntry =>
    entry({ number: null, operation: count, from, to, result: { kind: 'count', count: counted } });

  function check(history: HistoryEntry[]): void {
    const service = freshService();
    const query = (asked: HistoryEntry): Uint8Array | null => service.query(client, asked.bytes, 0);
    const take = (step: CommittedStep, position: number): void => void stepQuietly(service, step, position);
    checkFastReads(history, committed, positionsOf(committed), { take, query });
  }

  it('may see an entry until time moves on without any operation, and then no more', () => {
    expect(() => check([wrote, read(1, 20, 30), read(0, 40, 50)])).not.toThrow();
    expect(() => check([wrote, read(0, 20, 30), read(1, 40, 50)])).toThrow('fits nowhere');
  });

  const bounds = { clockSkewMaxMs: 500, clockErrorMaxMs: 50 };
  const shows = (deadline: number | null): HistoryEntry => {
    const shown: Entry = { id: 1n, tuple: ['a'], owner: clientName(client), deadline };
    return entry({
      number: null,
      operation: rdp,
      from: 7_000_000,
      to: 9_000_000,
      result: { kind: 'entry', entry: shown },
    });
  };

  it('show nothing within clockSkewMax less the clock error of its deadline', () => {
    expect(() => checkFastReadDeadlines([shows(null), shows(7_451)], bounds, 0)).not.toThrow();
    expect(() => checkFastReadDeadlines([shows(7_450)], bounds, 0)).toThrow('450 ms before its deadline');
    expect(() => checkFastReadDeadlines([shows(6_000)], bounds, 0)).toThrow('-1000 ms before its deadline');
  });
});

describe('idle expiry', () => {
  it('notices what is overdue beyond the bound', () => {
    const checker = new IdleExpiry(100);
    expect(() => checker.observe(2, null, 5_000)).not.toThrow();
    expect(() => checker.observe(2, 4_900, 5_000)).not.toThrow();
    expect(() => checker.observe(2, 4_899, 5_000)).toThrow('replica 2 holds what is overdue by 101 ms');
  });

  it('allows for skew, timeouts and view changes only where primaries may be faulty', () => {
    const bound = (faultyPrimaries: number): number =>
      idleExpiryBoundMs(defaultOrderingConfig, { clockErrorMaxMs: 50, faultyPrimaries });
    expect(bound(0)).toBe(3_050);
    expect(bound(1) - bound(0)).toBe(500 + 120_000);
    expect(bound(2) - bound(1)).toBe(120_000);
  });
});

describe('holder truth', () => {
  const lock = (holder: number, lease: number): Operation => ({
    kind: 'cas',
    space,
    template: [{ kind: 'value', value: 'lock' }, { kind: 'value', value: 'l' }, any],
    tuple: ['lock', 'l', holder],
    lease,
  });
  const executions = executedAt([
    [10_000, lock(4, 2_200)],
    [11_000, lock(5, 2_200)],
    [12_200, lock(5, 2_200)],
  ]);
  const basis = entry({
    number: 1,
    operation: lock(4, 2_200),
    from: 0,
    to: 1,
    result: executions[0]!.result!,
  });

  function check(fromUs: number, untilUs: number): void {
    const checker = new HolderTruth();
    for (const batch of batches(executions)) checker.deliver(batch, 1_000 * batch.time);
    const believesAt = (us: number): boolean => us >= fromUs && us < untilUs;
    checker.believe({ lock: 'l', client: 4, basis, fromUs, believesAt });
    checker.finish();
  }

  it('accepts a belief that ends before the next one gets the lock', () => {
    expect(() => check(10_100_000, 12_200_000)).not.toThrow();
  });

  it('notices one that lasts longer, or begins later', () => {
    expect(() => check(10_100_000, 12_200_001)).toThrow('client 4 believes to hold l');
    expect(() => check(13_000_000, 13_000_001)).toThrow('client 4 believes to hold l');
  });

  it('notices a belief in what was never executed', () => {
    const checker = new HolderTruth();
    checker.believe({ lock: 'l', client: 4, basis, fromUs: 0, believesAt: () => true });
    expect(() => checker.finish()).toThrow('was not executed');
  });
});

describe('Wing and Gong with ordered time', () => {
  const model = spaceModel(defaultLeaseLimits);
  const at = (operation: Operation, time: number | null, from: number, to: number, result: Result) => {
    const call: SpaceCall = { client, operation, time };
    return { call, invokedAt: from, answer: { at: to, result: encodeResult(result) } };
  };
  const a: Entry = { id: 1n, tuple: ['a'], owner: clientName(client), deadline: 3_200 };
  const wrote = at(out('a', 2_200), 1_000, 0, 10, {
    kind: 'entry',
    entry: { ...a, tuple: [] },
  });
  const counted = (value: number, time: number | null, from: number, to: number) =>
    at(count, time, from, to, { kind: 'count', count: value });

  it('lets an entry go at its deadline in ordered time', () => {
    expect(isLinearizable(model, [wrote, counted(1, 3_199, 20, 30), counted(0, 3_200, 40, 50)])).toBe(true);
    expect(isLinearizable(model, [wrote, counted(0, 3_199, 20, 30)])).toBe(false);
    expect(isLinearizable(model, [wrote, counted(1, 3_200, 20, 30)])).toBe(false);
  });

  it('lets a fast read happen at any time up to that of the next ordered operation', () => {
    expect(isLinearizable(model, [wrote, counted(0, null, 20, 30)])).toBe(true);
    expect(isLinearizable(model, [wrote, counted(0, null, 20, 30), counted(0, 3_300, 40, 50)])).toBe(true);
    expect(isLinearizable(model, [wrote, counted(0, null, 20, 30), counted(1, 3_100, 40, 50)])).toBe(false);
    expect(isLinearizable(model, [wrote, counted(0, null, 20, 30), counted(1, null, 40, 50)])).toBe(false);
  });

  it('renews only what the caller inserted and only in time', () => {
    const renewed: Result = { kind: 'entry', entry: { ...a, deadline: 6_000 } };
    expect(isLinearizable(model, [wrote, at(renew(3_000), 3_000, 20, 30, renewed)])).toBe(true);
    const late: Result = { kind: 'entry', entry: { ...a, deadline: 6_200 } };
    expect(isLinearizable(model, [wrote, at(renew(3_000), 3_200, 20, 30, late)])).toBe(false);
    const stranger = {
      ...at(renew(3_000), 3_000, 20, 30, renewed),
      call: { client: clientId('22'.repeat(32)), operation: renew(3_000), time: 3_000 },
    };
    expect(isLinearizable(model, [wrote, stranger])).toBe(false);
  });
});
