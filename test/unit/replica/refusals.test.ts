import { describe, expect, it } from 'vitest';
import type { RefusalCount } from '../../../src/codec/index.js';
import { createMetrics } from '../../../src/replica/metrics.js';
import { largestRefusals } from '../../../src/replica/refusals.js';
import { createCounts } from '../../../src/replica/watch.js';
import { FakeCore } from '../../support/fake-core.js';

const refusal = (count: number, code = 'ACL_DENIED', client = 'bob', space = 'jobs'): RefusalCount => ({
  code,
  client,
  space,
  count,
});

describe('refusals', () => {
  it('in a status are the 64 most frequent, those first, equal ones in order of their names', () => {
    const counts = Array.from({ length: 100 }, (_, i) => refusal(i + 1, `CODE_${i}`));
    const largest = largestRefusals(counts);
    expect(largest).toHaveLength(64);
    expect(largest[0]).toEqual(refusal(100, 'CODE_99'));
    expect(largest.at(-1)).toEqual(refusal(37, 'CODE_36'));
    const equal = [
      refusal(1, 'B'),
      refusal(1, 'A', 'z'),
      refusal(1, 'A', 'y', 'b'),
      refusal(1, 'A', 'y', 'a'),
    ];
    expect(largestRefusals(equal)).toEqual([...equal].reverse());
  });

  it('are metrics by code, client and space', async () => {
    const registry = createMetrics({
      counts: createCounts(),
      status: () => new FakeCore().status(),
      peersConnected: () => 0,
      clientsConnected: () => 0,
      diskFreeBytes: () => 1_000,
      isDiskFull: () => true,
      queuedBytes: () => new Map(),
      refusals: () => [refusal(3), refusal(1, 'UNKNOWN_CLIENT', 'eve', '')],
    });
    const text = await registry.metrics();
    expect(text).toContain('theodora_refusals_total{code="ACL_DENIED",client="bob",space="jobs"} 3');
    expect(text).toContain('theodora_refusals_total{code="UNKNOWN_CLIENT",client="eve",space=""} 1');
  });
});
