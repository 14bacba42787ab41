/** Malicious clients: each does the damage that it is there for, once what stops it is taken away, and none before. */
import { describe, expect, it } from 'vitest';
import {
  outlawBehaviours,
  outlawDefences,
  runDefence,
  runRandom,
  runScenario,
  undefendedOutlaws,
} from '../../../src/sim/index.js';
import { knownAdversaries, listedAdversaries } from '../../support/adversary-tables.js';

const names = Object.keys(outlawBehaviours);

describe('defences against malicious clients', () => {
  for (const row of outlawDefences) {
    const { behaviour, defence, expects } = row;
    it(`${behaviour}: ${defence}`, () => {
      expect(runDefence(row, { isOpen: false, isAttacked: true }).failure).toBeUndefined();
    });
    it(`${behaviour}: does damage without that`, () => {
      const { failure } = runDefence(row, { isOpen: true, isAttacked: true });
      expect(expects, failure?.message).toContain(failure?.checker);
    });
    it(`${behaviour}: nothing else does that damage`, () => {
      expect(runDefence(row, { isOpen: true, isAttacked: false }).failure).toBeUndefined();
    });
  }

  for (const name of names) {
    it(`${name} alone harms nobody in random runs, with guards and without`, () => {
      for (const guards of [false, true]) {
        const report = runRandom({ seed: 3, n: 4, operations: 80, outlaws: [name], guards });
        expect(report.failure).toBeUndefined();
        expect(report.outcomes.open).toBe(0);
      }
    });
  }

  it('are known for every behaviour, or it is said why not', () => {
    const defended = outlawDefences.map(({ behaviour }) => behaviour);
    expect([...defended, ...Object.keys(undefendedOutlaws)].sort()).toEqual(names.sort());
  });

  it('are listed in the documentation', () => {
    expect(listedAdversaries('clients')).toEqual(knownAdversaries(outlawDefences, undefendedOutlaws));
  });

  it('refuse a name that is none', () => {
    expect(() => runScenario('cluster n=4 outlaws=nobody')).toThrow('not a behaviour of clients');
  });
});
