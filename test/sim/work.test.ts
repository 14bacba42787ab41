/** What operations cost in work: a slow-down by design fails here, on any machine. */
import { describe, expect, it } from 'vitest';
import { boundedLoads, overBounds, workOf } from '../../src/sim/index.js';
import { countWork } from '../../src/sim/work/count-work.js';

describe('the work of an operation is within bounds', () => {
  it.each(boundedLoads.map((bounded) => [bounded.name, bounded] as const))('%s', async (_name, bounded) => {
    const work = await workOf(bounded);
    expect(overBounds(bounded, work).map((kind) => [kind, work[kind]])).toEqual([]);
  });

  it('and is counted: nothing costs nothing', async () => {
    const [{ load }] = boundedLoads as [(typeof boundedLoads)[0]];
    const { signatures: _, ...work } = await countWork({ ...load, operations: 10 });
    expect(Object.entries(work).filter(([, count]) => count === 0)).toEqual([]);
    expect(await countWork({ ...load, operations: 10 })).toMatchObject(work);
  });
});
