/** Confidential spaces with liars under fixed seeds. A seed that once failed stays in a list of its own. */
import { describe, expect, it } from 'vitest';
import { runConfidential, type ConfidentialReport } from '../../src/sim/index.js';

const seeds = Array.from({ length: 24 }, (_, index) => index + 1);

const reports = new Map<number, Promise<ConfidentialReport>>();
function reportOf(seed: number): Promise<ConfidentialReport> {
  const report = reports.get(seed) ?? runConfidential({ seed });
  reports.set(seed, report);
  return report;
}

describe('random runs of a confidential space', () => {
  for (const seed of seeds) {
    it(`seed ${seed}`, async () => {
      expect((await reportOf(seed)).failure).toBeUndefined();
    });
  }

  it('are the same for the same seed', async () => {
    expect((await runConfidential({ seed: 3 })).traceDigest).toBe((await reportOf(3)).traceDigest);
  });

  it('meet what they are there for', async () => {
    const all = await Promise.all(seeds.map(reportOf));
    const total = (of: (report: ConfidentialReport) => number): number =>
      all.reduce((sum, report) => sum + of(report), 0);
    expect(total(({ opened }) => opened)).toBeGreaterThan(100);
    expect(total(({ repaired }) => repaired)).toBeGreaterThan(50);
    expect(total(({ forgedRepairs }) => forgedRepairs)).toBeGreaterThan(20);
    expect(total(({ byzantine }) => byzantine.length)).toBeGreaterThan(10);
    expect(total(({ restarts }) => restarts)).toBeGreaterThan(5);
  });
});
