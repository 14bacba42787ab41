import { describe, expect, it } from 'vitest';
import { TheodoraError } from '../../../src/base/index.js';
import { Histogram } from '../../../src/cli/bench/histogram.js';
import { loads } from '../../../src/cli/bench/loads.js';
import { Measurement } from '../../../src/cli/bench/measurement.js';
import type { LoadPlan } from '../../../src/cli/bench/messages.js';
import { Schedule } from '../../../src/cli/bench/schedule.js';

const plan: LoadPlan = {
  target: { kind: 'theodora', clusterFile: '', identities: [] },
  load: 'out',
  ...{ payloadBytes: 64, concurrency: 1, firstWorker: 0, prepares: false, timeoutMs: 1, lateIdentity: null },
  ...{ ratePerSecond: null, warmUpMs: 100, measureMs: 1_000, intervalMs: null },
};

describe('the schedule of an open loop', () => {
  it('begins at even distances, however late somebody looks', () => {
    const schedule = new Schedule(250, 1_000);
    expect([0, 1, 250].map((index) => schedule.instantMs(index))).toEqual([1_000, 1_004, 2_000]);
    expect([999, 1_000, 1_003.9, 1_004, 2_000].map((nowMs) => schedule.dueBy(nowMs))).toEqual([
      0, 1, 1, 2, 251,
    ]);
  });

  it('has begun an operation when its instant has come, and not before', () => {
    const schedule = new Schedule(700, 0);
    for (let index = 0; index < 100; index++) {
      expect(schedule.dueBy(schedule.instantMs(index) + 1e-6)).toBe(index + 1);
      expect(schedule.dueBy(schedule.instantMs(index) - 1e-6)).toBe(index);
    }
  });
});

describe('a measurement', () => {
  it('counts in a closed loop what completes while it measures', () => {
    const measurement = new Measurement(plan, 0);
    measurement.completed('out', 50, 90);
    measurement.completed('out', 90, 110);
    measurement.completed('out', 1_050, 1_150);
    const result = measurement.result(null);
    expect(result).toMatchObject({ completed: 1, acknowledged: { out: 3 }, elapsedMs: 1_000 });
    expect(Histogram.of(Object.values(result.latencies)).count).toBe(1);
  });

  it('counts in an open loop the waits of all that should have begun: a stall is not hidden', () => {
    const measurement = new Measurement({ ...plan, ratePerSecond: 1_000 }, 0);
    // Due every millisecond, and all answered when a stall of a second is over, after the measurement's end.
    for (let dueMs = 100; dueMs < 1_100; dueMs++) measurement.completed('out', dueMs, 1_200);
    const result = measurement.result(null);
    const latencies = Histogram.of(Object.values(result.latencies));
    expect([result.completed, latencies.count, result.longestGapMs]).toEqual([0, 1_000, 1_000]);
    expect(latencies.quantileMs(0.5)).toBeCloseTo(600, -1);
  });

  it('tells intervals apart, and errors by code', () => {
    const measurement = new Measurement({ ...plan, intervalMs: 400 }, 0);
    for (const nowMs of [150, 499, 500, 1_099]) measurement.completed('out', nowMs - 1, nowMs);
    measurement.failures.add(new TheodoraError('TIMED_OUT', 'too late'));
    const { intervals, errors } = measurement.result(null);
    expect(intervals.map(({ completed }) => completed)).toEqual([2, 1, 1]);
    expect(errors).toEqual({ TIMED_OUT: 1 });
    expect(() => measurement.failures.add(new Error('a wrong answer'))).toThrow('a wrong answer');
  });
});

describe('loads', () => {
  const sharesOf = (name: keyof typeof loads): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (let worker = 0; worker < 10; worker++)
      for (let iteration = 0; iteration < 100; iteration++) {
        const operation = loads[name].choose(iteration, worker);
        counts[operation] = (counts[operation] ?? 0) + 1;
      }
    return counts;
  };

  it('mix as they say', () => {
    expect(sharesOf('mixed')).toEqual({ rdp: 900, out: 100 });
    expect(sharesOf('mixed-50')).toEqual({ rdp: 500, out: 500 });
    expect(sharesOf('inp')).toEqual({ out: 500, inp: 500 });
    expect(sharesOf('renew')).toEqual({ renew: 1_000 });
  });
});
