/** ReD coordinators and their databases under fixed seeds. A seed that once failed stays in a list of its own. */
import { describe, expect, it } from 'vitest';
import { runRed, type RedReport } from '../../src/sim/index.js';

const seeds = Array.from({ length: 30 }, (_, index) => index + 1);

const reports = new Map<number, Promise<RedReport>>();
function reportOf(seed: number): Promise<RedReport> {
  const report = reports.get(seed) ?? runRed({ seed });
  reports.set(seed, report);
  return report;
}

describe('random runs of ReD', () => {
  for (const seed of seeds) {
    it(`seed ${seed}`, async () => {
      expect((await reportOf(seed)).failure).toBeUndefined();
    });
  }

  it('are the same for the same seed', async () => {
    expect((await runRed({ seed: 3 })).traceDigest).toBe((await reportOf(3)).traceDigest);
  });

  it('meet what they are there for', async () => {
    const all = await Promise.all(seeds.map(reportOf));
    const total = (of: (report: RedReport) => number): number =>
      all.reduce((sum, report) => sum + of(report), 0);
    expect(total(({ terms }) => terms)).toBeGreaterThan(60);
    expect(total(({ commits }) => commits)).toBeGreaterThan(1_000);
    expect(total(({ byzantine }) => byzantine.length)).toBeGreaterThan(5);
    expect(total(({ restarts }) => restarts)).toBeGreaterThan(5);
  });
});
