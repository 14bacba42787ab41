import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { errorOf, resultOf, Workplace } from '../support/theodora-process.js';

const work = new Workplace();
afterAll(() => work.close());

describe('theodora bench', () => {
  it('measures a mixed load and says on what', async () => {
    const finished = await work.run(
      'bench',
      'mixed',
      '--seconds',
      '1',
      '--concurrency',
      '4',
      '--identities',
      '2',
    );
    expect(finished.status).toBe(0);
    expect(finished.out.trim().split('\n')).toHaveLength(1);
    const report = resultOf(finished);
    expect(report).toMatchObject({
      scenario: 'mixed',
      replicas: 4,
      concurrency: 4,
      identities: 2,
      errors: {},
    });
    expect(report['operations']).toBeGreaterThan(0);
    expect(report['opsPerSecond']).toBe(report['operations']);
    expect(Object.keys(report['byOperation'] as object).sort()).toEqual(['out', 'rdp']);
    expect(report['hardware']).toMatchObject({ node: process.version });
  });

  it('begins operations by the clock in an open loop, round after round, with results that can be compared', async () => {
    const words = ['bench', 'out', '--seconds', '1', '--warm-up', '0', '--rate', '100', '--rounds', '2'];
    const finished = await work.run(...words);
    expect(finished.status).toBe(0);
    const report = resultOf(finished);
    expect(report).toMatchObject({ scenario: 'out', ratePerSecond: 100, rounds: 2, seconds: 2 });
    const [least, most] = (report['ranges'] as { opsPerSecond: [number, number] }).opsPerSecond;
    expect(least).toBeLessThanOrEqual(most);
    expect(report['operations']).toBeLessThanOrEqual(202);

    const path = join(work.directory, 'results.jsonl');
    writeFileSync(path, finished.out);
    const compared = await work.run('bench', 'compare', path, path);
    expect(compared.status).toBe(0);
    expect(resultOf(compared)).toMatchObject({ differences: [], onlyInFirst: [], onlyInSecond: [] });
    expect((await work.runPlain('bench', 'compare', path, path)).out).toMatch(
      /^out +opsPerSecond +[^\n]+ 1\.00$/m,
    );
    const missing = await work.run('bench', 'compare', path, join(work.directory, 'none'));
    expect([missing.status, errorOf(missing)['code']]).toEqual([2, 'BENCH_RESULTS_MISSING']);
  });

  it('measures how long a killed primary is missed, by old and by new clients', async () => {
    const finished = await work.run('bench', 'failover', '--seconds', '5', '--concurrency', '4');
    expect(finished.status).toBe(0);
    const report = resultOf(finished);
    expect(report).toMatchObject({ scenario: 'failover', errors: {} });
    expect(report['longestGapMs']).toBeGreaterThan(0);
    expect(report['lateClientGapMs']).toBeGreaterThan(0);
    expect(report['operations']).toBeGreaterThan(0);
  });

  it('shows a table to people', async () => {
    const finished = await work.runPlain('bench', 'out', '--seconds', '1', '--concurrency', '2');
    expect(finished.status).toBe(0);
    expect(finished.out).toMatch(/^scenario +ops\/s +p50 ms .*\nout +\d+ +\d/m);
    expect(finished.out).toContain(process.version);
  });

  it('measures what a policy costs, alone and on a cluster', async () => {
    const finished = await work.run('bench', 'policy', '--seconds', '1', '--concurrency', '4');
    expect(finished.status).toBe(0);
    const report = resultOf(finished);
    expect(report).toMatchObject({ scenario: 'policy', replicas: 4, concurrency: 4, identities: 1 });
    const { application, cluster } = report as Record<string, Record<string, Record<string, number>>>;
    expect(Object.keys(application!)).toEqual(['red', 'work-queue']);
    expect(Object.keys(cluster!)).toEqual(['out', 'cas', 'rdp', 'inp']);
    for (const { withoutPerSecond, withPerSecond, share } of Object.values(cluster!))
      expect(Math.min(withoutPerSecond!, withPerSecond!, share!)).toBeGreaterThan(0);
  });

  it('measures how a replica comes back', async () => {
    const finished = await work.run('bench', 'recovery', '--seconds', '1', '--entries', '2000');
    expect(finished.status).toBe(0);
    const report = resultOf(finished);
    expect(report).toMatchObject({ scenario: 'recovery', entries: 2_000, awaySeconds: 1, errors: {} });
    const { restart, away, rejoin } = report as Record<string, Record<string, number>>;
    expect(Math.min(restart!['servingMs']!, away!['caughtUpMs']!, rejoin!['caughtUpMs']!)).toBeGreaterThan(0);
    expect(rejoin!['share']).toBeGreaterThan(0);
  });

  it('measures the service while the first primary misbehaves, and checks what is there afterwards', async () => {
    const words = [
      'bench',
      'byzantine',
      '--behaviours',
      'equivocate,slow',
      '--load',
      'mixed',
      '--seconds',
      '1',
    ];
    const finished = await work.run(...words, '--concurrency', '4', '--identities', '2');
    expect(finished.status).toBe(0);
    const rows = finished.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map(({ behaviour }) => behaviour)).toEqual(['equivocate', 'slow']);
    for (const each of rows) {
      expect(each).toMatchObject({ errors: {}, areStatesEqual: true, lost: [] });
      expect(each['inserted']).toBe(each['acknowledged']);
    }
  });

  it('refuses what makes no sense', async () => {
    const unknown = await work.run('bench', 'everything');
    expect([unknown.status, errorOf(unknown)['code']]).toEqual([2, 'USAGE']);
    const nobody = await work.run('bench', 'byzantine', '--behaviours', 'polite');
    expect([nobody.status, errorOf(nobody)['code']]).toEqual([2, 'USAGE']);
    const idle = await work.run('bench', 'out', '--concurrency', '2', '--identities', '3');
    expect([idle.status, errorOf(idle)['code']]).toEqual([2, 'USAGE']);
  });
});
