/** Every scenario of test/scenarios holds, with all checkers on; and the language says what it does not know. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runScenario } from '../../src/sim/index.js';

const folder = new URL('../scenarios/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

describe('scenarios', () => {
  for (const name of names) {
    it(name.replace('.txt', ''), () => {
      const report = runScenario(readFileSync(new URL(name, folder), 'utf8'));
      expect(report.failure).toBeUndefined();
      expect(report.ok).toBe(true);
    });
  }

  it('run the same way every time', () => {
    const text = readFileSync(new URL('rolling-restart.txt', folder), 'utf8');
    expect(runScenario(text).traceDigest).toBe(runScenario(text).traceDigest);
  });
});

describe('scenario language', () => {
  it('reports an expectation that does not hold, with its line and what is the case', () => {
    const { failure } = runScenario('cluster n=4\n# nothing happens\nexpect view = 3');
    expect(failure?.kind).toBe('safety');
    expect(failure?.message).toBe('line 3: expect view = 3: 0: 0, 1: 0, 2: 0, 3: 0');
  });

  it('reports a wait that ends in vain', () => {
    const { failure } = runScenario('cluster n=4\nuntil executed >= 1 within=50ms');
    expect(failure?.kind).toBe('liveness');
  });

  const refused = [
    ['', 'starts with cluster'],
    ['cluster n=4\nfly 0', 'unknown command fly'],
    ['cluster n=4\ncall c1 out ["a"', 'not closed'],
    ['cluster n=4\ncall c2 out ["a"]', 'no client c2'],
    ['cluster n=4\ncall c1 fling ["a"]', 'unknown operation'],
    ['cluster n=4\nrun fast', 'not a duration'],
    ['cluster n=4\nstop x', 'not a number'],
    ['cluster n=4\nexpect luck = 1', 'unknown expectation'],
    ['cluster n=4\ninject prepare from=0 to=1 view=0 seq=1 digest=b1', 'no batch b1'],
  ] as const;
  for (const [text, problem] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const said = (): string => runScenario(text).failure?.message ?? '';
      try {
        expect(said()).toContain(problem);
      } catch (error) {
        expect(String(error)).toContain(problem);
      }
    });
  }
});
