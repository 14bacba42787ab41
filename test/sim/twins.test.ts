/** Twins: a replica that there is twice, and a network that makes the most of it. Numbers of scenarios are fixed. */
import { describe, expect, it } from 'vitest';
import { faultsTolerated } from '../../src/ordering/index.js';
import { runTwins, twinsScenarios } from '../../src/sim/index.js';
import { quorumOf } from '../../src/sim/defences/removals.js';
import { canReach, partitionsOf, twinsScenario } from '../../src/sim/twins/schedule.js';

/** No divisor of theirs: every place of the pair, and every partition in either view, is among them. */
const step = 11;
const numbers = Array.from({ length: Math.floor(twinsScenarios / step) }, (_, index) => index * step);
const parts = 12;

describe('scenarios of Twins', () => {
  it('are all partitions in either view, for each place of the pair', () => {
    expect(partitionsOf(5)).toHaveLength(52);
    expect(twinsScenarios).toBe(3 * 52 * 52);
    const all = Array.from({ length: twinsScenarios }, (_, number) => JSON.stringify(twinsScenario(number)));
    expect(new Set(all).size).toBe(twinsScenarios);
    const scenario = twinsScenario(3 * 51);
    expect(canReach(scenario, 0, 0, 1)).toBe(false);
    expect(canReach(scenario, 1, 0, 1)).toBe(true);
    expect(canReach(scenario, 2, 0, 4)).toBe(true);
  });

  it(`are ${numbers.length} here, with every partition in the first view and in the second`, () => {
    expect(numbers.length).toBeGreaterThanOrEqual(500);
    const chosen = numbers.map(twinsScenario);
    expect(new Set(chosen.map(({ pair }) => pair))).toEqual(new Set([0, 1, 3]));
    for (const view of [0, 1] as const)
      expect(new Set(chosen.map(({ partitions }) => partitions[view].join())).size).toBe(52);
  });

  for (let part = 0; part < parts; part++) {
    const own = numbers.filter((_, index) => index % parts === part);
    it(`hold: ${own.length} of them, number ${own[0]} and on`, () => {
      const failed = own.map((seed) => runTwins({ seed })).filter(({ ok }) => !ok);
      expect(failed.map(({ seed, byzantine, failure }) => ({ seed, byzantine, failure }))).toEqual([]);
    });
  }

  it('break agreement where a quorum is too small', () => {
    const tampering = quorumOf((n) => 2 * faultsTolerated(n));
    const found = numbers.find((seed) => runTwins({ seed, tampering }).failure?.checker === 'agreement');
    expect(found).toBeDefined();
  });

  it('are the same each time', () => {
    expect(runTwins({ seed: 5 }).traceDigest).toBe(runTwins({ seed: 5 }).traceDigest);
  });
});
