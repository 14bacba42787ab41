import { describe, expect, it } from 'vitest';
import { policyLoads } from '../../../src/cli/bench/policy-loads.js';
import { runPolicyCosts } from '../../../src/cli/bench/policy.js';

describe('the cost of policies', () => {
  it('is measured on loads that the policies allow from beginning to end', async () => {
    const costs = await runPolicyCosts({ warmUp: 1, rounds: 3, operationsPerRound: 200 });
    expect(Object.keys(costs)).toEqual(['red', 'work-queue']);
    for (const { withoutUs, withUs, costUs, operations } of Object.values(costs)) {
      expect(withUs - withoutUs).toBeCloseTo(costUs, 2);
      expect(operations.toSorted()).toEqual(['cas', 'inp', 'out', 'rdp', 'renew', 'replace']);
    }
  });

  it('is of loads that repeat themselves', () => {
    for (const load of policyLoads) {
      const kinds = [0, 1, 1_000].map((cycle) => load.cycle(cycle, 1).map(({ operation }) => operation.kind));
      expect(kinds[1]).toEqual(kinds[0]);
      expect(kinds[2]).toEqual(kinds[0]);
    }
  });
});
