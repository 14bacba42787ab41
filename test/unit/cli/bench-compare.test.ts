import { describe, expect, it } from 'vitest';
import { compareResults, describeDifferences, parseResults } from '../../../src/cli/bench/compare.js';

const hardware = { cpu: 'a processor', cores: 2, memoryGiB: 8, node: 'v20.19.0', loadAverage: 0.1 };
const out = {
  scenario: 'out',
  point: 'out',
  opsPerSecond: 5_000,
  p50Ms: 9,
  p99Ms: 20,
  ranges: { opsPerSecond: [4_500, 5_500], p50Ms: [8, 10], p99Ms: [18, 25] },
  longestGapMs: 12,
  concurrency: 50,
  durability: 'sync',
  hardware,
};
const pvss = { scenario: 'pvss', figures: [{ group: 'ristretto255', ms: { finish: 4 } }], hardware };

describe('comparing results', () => {
  it('gives both figures, their ranges and their ratio', () => {
    const { comparisons, differences } = compareResults([out], [{ ...out, opsPerSecond: 6_000 }]);
    expect(differences).toEqual([]);
    expect(comparisons.map(({ figure, ratio }) => [figure, ratio])).toEqual([
      ['opsPerSecond', 1.2],
      ['p50Ms', 1],
      ['p99Ms', 1],
      ['longestGapMs', 1],
    ]);
    expect(comparisons[0]).toMatchObject({
      name: 'out',
      first: { value: 5_000, range: [4_500, 5_500] },
      second: { value: 6_000, range: [4_500, 5_500] },
    });
  });

  it('says what was measured under other conditions, on other hardware, or once only', () => {
    const other = { ...out, concurrency: 200, hardware: { ...hardware, cores: 8, loadAverage: 3 } };
    const compared = compareResults(
      [out, pvss],
      [other, { ...out, scenario: 'payload', point: 'out, 64 B' }],
    );
    expect(compared.differences.map(({ condition, first, second }) => [condition, first, second])).toEqual([
      ['concurrency', 50, 200],
      ['cores', 2, 8],
    ]);
    expect([compared.onlyInFirst, compared.onlyInSecond]).toEqual([['pvss'], ['payload: out, 64 B']]);
    expect(describeDifferences(compared.differences, 1)).toEqual([
      'differs: concurrency: 50 against 200 (all)',
      'differs: cores: 2 against 8 (all)',
    ]);
    expect(describeDifferences(compared.differences, 2)[0]).toContain('(out)');
  });

  it('compares every number of results with a shape of their own', () => {
    const slower = { ...pvss, figures: [{ group: 'ristretto255', ms: { finish: 5 } }] };
    expect(compareResults([pvss], [slower]).comparisons).toEqual([
      {
        name: 'pvss',
        figure: 'figures.0.ms.finish',
        first: { value: 4, range: null },
        second: { value: 5, range: null },
        ratio: 1.25,
      },
    ]);
  });
});

describe('a file of results', () => {
  it('is one object a line', () => {
    const text = `${JSON.stringify(out)}\n\n${JSON.stringify(pvss)}\n`;
    expect(parseResults('a.jsonl', text).map(({ scenario }) => scenario)).toEqual(['out', 'pvss']);
  });

  it.each([
    ['', 1, 'the file is empty'],
    [`${JSON.stringify(out)}\nscenario  ops/s\n`, 2, 'not a JSON object'],
    ['[1]', 1, 'no object with a scenario'],
    ['{"hardware":{}}', 1, 'no object with a scenario'],
  ])('is refused with the line that is none: %j', (text, line, why) => {
    let thrown: unknown;
    try {
      parseResults('a.jsonl', text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'BENCH_RESULTS_INVALID', fields: { path: 'a.jsonl', line } });
    expect((thrown as Error).message).toContain(why);
  });
});
