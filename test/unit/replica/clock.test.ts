import { describe, expect, it } from 'vitest';
import { SteadyClock } from '../../../src/replica/clock.js';

function sources(): { wall: number; monotonic: number; wallMs(): number; monotonicMs(): number } {
  return {
    wall: 1_000_000,
    monotonic: 500.25,
    wallMs() {
      return this.wall;
    },
    monotonicMs() {
      return this.monotonic;
    },
  };
}

describe("the replica's clock", () => {
  it('is the wall clock at start, advanced by the monotonic clock, in whole ms', () => {
    const time = sources();
    const clock = new SteadyClock(time);
    expect(clock.now()).toBe(1_000_000);
    time.monotonic += 1_234.9;
    expect(clock.now()).toBe(1_001_234);
  });

  it('does not follow a step of the wall clock, but reports it once', () => {
    const time = sources();
    const clock = new SteadyClock(time);
    time.wall -= 3_600_000;
    expect(clock.now()).toBe(1_000_000);
    expect(clock.wallStep()).toBe(-3_600_000);
    expect(clock.wallStep()).toBeNull();
    time.wall += 3_600_000;
    expect(clock.wallStep()).toBe(0);
  });

  it('reports no step while both advance alike', () => {
    const time = sources();
    const clock = new SteadyClock(time);
    time.wall += 60_000;
    time.monotonic += 60_040;
    expect(clock.wallStep()).toBeNull();
  });
});
