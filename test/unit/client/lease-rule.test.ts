import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certainMs, leaseMaxMs, LeaseRule } from '../../../src/client/lease-rule.js';
import { defaultSpaceLimits } from '../../../src/space/index.js';

const skewMs = 500;
/** (10,000 − 2·(500 + 50)) / 1.01, rounded down. */
const certain10s = 8_811;

describe('what a holder may believe', () => {
  it('is the formula of the documentation', () => {
    expect(certainMs(10_000, 500)).toBe(certain10s);
    expect(certainMs(2_200, 500)).toBe(1_089);
    expect(certainMs(10_000, 100)).toBe(9_603);
    expect(certainMs(1_000, 500)).toBeLessThan(0);
  });

  it('counts from the sending, not from the answer', () => {
    const rule = new LeaseRule(10_000, skewMs, 1_000);
    expect(rule.endAt(1_000 + certain10s - 1)).toBeNull();
    expect(rule.endAt(1_000 + certain10s)).toBe('expired');
  });

  it('counts a lease beyond what the service grants as that', () => {
    expect(leaseMaxMs).toBe(defaultSpaceLimits.leaseMaxMs);
    const rule = new LeaseRule(Number.MAX_SAFE_INTEGER, skewMs, 0);
    expect(rule.leaseMs).toBe(leaseMaxMs);
    expect(rule.endAt(certainMs(leaseMaxMs, skewMs) - 1)).toBeNull();
    expect(rule.endAt(certainMs(leaseMaxMs, skewMs))).toBe('expired');
  });

  it('is nothing if the lease is too short for clocks that differ this much (pitfall 40)', () => {
    expect(new LeaseRule(1_000, skewMs, 0).endAt(0)).toBe('expired');
  });
});

describe('renewals', () => {
  it('are due at a third of the lease, one at a time', () => {
    const rule = new LeaseRule(9_000, skewMs, 0);
    expect(rule.nextDueMs).toBe(3_000);
    expect([rule.isRenewalDue(2_999), rule.isRenewalDue(3_000)]).toEqual([false, true]);
    expect(rule.onRenewalSent(3_000)).toBe(3_000);
    expect(rule.isRenewalDue(5_000)).toBe(false);
    expect(rule.nextDueMs).toBe(certainMs(9_000, skewMs));
  });

  it('move the deadline by the time of their sending', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    rule.onRenewalSent(3_333);
    rule.onRenewed(8_000);
    expect(rule.endAt(3_333 + certain10s - 1)).toBeNull();
    expect(rule.isRenewalDue(8_000)).toBe(true);
    expect(rule.endAt(3_333 + certain10s)).toBe('expired');
  });

  it('without an answer leave the deadline and are tried again soon', () => {
    const rule = new LeaseRule(12_000, skewMs, 0);
    rule.onRenewalSent(4_000);
    rule.onRenewalFailed(4_500);
    expect([rule.isRenewalDue(5_499), rule.isRenewalDue(5_500)]).toEqual([false, true]);
    expect(rule.endAt(certainMs(12_000, skewMs))).toBe('expired');
  });

  it('of a long lease are tried again within seconds, too', () => {
    const rule = new LeaseRule(leaseMaxMs, skewMs, 0);
    rule.onRenewalSent(leaseMaxMs / 3);
    rule.onRenewalFailed(leaseMaxMs / 3);
    expect(rule.nextDueMs).toBe(leaseMaxMs / 3 + 5_000);
  });

  it('wait for their answer no longer than the lease is certain', () => {
    const rule = new LeaseRule(3_000, skewMs, 0);
    expect(rule.onRenewalSent(1_500)).toBe(certainMs(3_000, skewMs) - 1_500);
  });

  it('do not bring back what was seen lost', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    rule.onRenewalSent(8_000);
    expect(rule.endAt(9_000)).toBe('expired');
    rule.onRenewed(9_001);
    expect(rule.endAt(9_001)).toBe('expired');
    expect(rule.nextDueMs).toBe(Infinity);
  });

  it('that were in time keep a lease whose holder only did not look', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    rule.onRenewalSent(8_000);
    rule.onRenewed(9_001);
    expect(rule.endAt(9_001)).toBeNull();
  });

  it('that come back too late find it lost', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    rule.onRenewalSent(3_333);
    rule.onRenewed(3_333 + certain10s);
    expect(rule.endAt(3_333 + certain10s)).toBe('expired');
  });

  it('that find the entry gone end the lease at once', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    rule.onRenewalSent(3_333);
    rule.onGone();
    expect(rule.endAt(3_400)).toBe('gone');
    expect([rule.remainingMs(3_400), rule.isRenewalDue(9_000), rule.nextDueMs]).toEqual([0, false, Infinity]);
  });

  it('can be given up; the lease runs out', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    rule.stopRenewing();
    expect(rule.isRenewalDue(8_000)).toBe(false);
    expect(rule.nextDueMs).toBe(certain10s);
  });
});

describe('release', () => {
  it('ends it once', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    expect([rule.release(100), rule.release(101)]).toEqual([true, false]);
    expect(rule.endAt(102)).toBe('released');
  });

  it('of a lost one changes nothing', () => {
    const rule = new LeaseRule(10_000, skewMs, 0);
    expect(rule.release(certain10s)).toBe(false);
    expect(rule.endAt(certain10s)).toBe('expired');
  });
});

describe('lease truth', () => {
  // True time runs here. Ordered time is off by up to skew + ε, the holder's clock by up to 1 % in rate; answers
  // take any time or never come. Whatever happens, the holder believes in nothing that the service has ended.
  const errorMs = skewMs + 50;
  const offMs = fc.oneof(fc.constantFrom(-errorMs, errorMs), fc.integer({ min: -errorMs, max: errorMs }));
  const delayMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6_000 }));
  const clockRate = fc.oneof(
    fc.constantFrom(1 / 1.01, 1.01),
    fc.double({ min: 1 / 1.01, max: 1.01, noNaN: true }),
  );
  const renewal = fc.record({
    pauseMs: delayMs,
    toServiceMs: delayMs,
    toHolderMs: fc.option(delayMs, { nil: null }),
    orderedOffMs: offMs,
  });

  it('holds for every delay, clock error and drift', () => {
    let endings = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 2_200, max: 20_000 }),
        delayMs,
        offMs,
        offMs,
        clockRate,
        fc.array(renewal, { maxLength: 6 }),
        (leaseMs, firstDelayMs, insertedOffMs, endOffMs, rate, renewals) => {
          const holderAt = (trueMs: number): number => trueMs * rate;
          const rule = new LeaseRule(leaseMs, skewMs, holderAt(0));
          // The earliest true time at which a correct replica may see ordered time reach the deadline.
          let goneAtMs = firstDelayMs + insertedOffMs + leaseMs - endOffMs;
          let nowMs = firstDelayMs;
          const believes = (trueMs: number): boolean => rule.endAt(holderAt(trueMs)) === null;
          for (const { pauseMs, toServiceMs, toHolderMs, orderedOffMs } of renewals) {
            nowMs += pauseMs;
            if (believes(nowMs)) expect(nowMs).toBeLessThan(goneAtMs);
            if (!rule.isRenewalDue(holderAt(nowMs))) continue;
            rule.onRenewalSent(holderAt(nowMs));
            const executedAtMs = nowMs + toServiceMs;
            const isRenewed = executedAtMs < goneAtMs;
            if (isRenewed) goneAtMs = executedAtMs + orderedOffMs + leaseMs - endOffMs;
            nowMs = executedAtMs + (toHolderMs ?? 0);
            if (toHolderMs === null) rule.onRenewalFailed(holderAt(nowMs));
            else if (isRenewed) rule.onRenewed(holderAt(nowMs));
            else rule.onGone();
          }
          expect(believes(goneAtMs)).toBe(false);
          endings++;
        },
      ),
      { numRuns: 2_000 },
    );
    expect(endings).toBeGreaterThan(1_000);
  });
});
