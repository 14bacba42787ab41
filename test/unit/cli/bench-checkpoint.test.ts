import { describe, expect, it } from 'vitest';
import { runCheckpoints } from '../../../src/cli/bench/checkpoint.js';

describe('what a checkpoint keeps from everything else', () => {
  it('is measured on states that change and are saved, and leaves nothing running', async () => {
    const notes: string[] = [];
    const plan = { entries: 300, rounds: 2, operations: [40, 80] };
    const rows = await runCheckpoints(plan, (text) => notes.push(text));
    expect(rows.map(({ change, operations }) => [change, operations])).toEqual([
      ['out and inp', 40],
      ['out and inp', 80],
      ['replace, scattered', 40],
      ['replace, scattered', 80],
    ]);
    for (const { checkpointMs, savingMs } of rows)
      for (const [least, most] of [checkpointMs, savingMs]) {
        expect(least).toBeGreaterThanOrEqual(0);
        expect(most).toBeGreaterThanOrEqual(least);
      }
    expect(notes).toHaveLength(5);
  });
});
