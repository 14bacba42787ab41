/** Each behaviour does the damage that it is there for, once what stops it is taken away, and none before. */
import { describe, expect, it } from 'vitest';
import { byzantineBehaviours, defences, runScenario, undefended } from '../../../src/sim/index.js';
import { knownAdversaries, listedAdversaries } from '../../support/adversary-tables.js';
import { describeDefence } from '../../support/describe-defence.js';

describe('defences', () => {
  for (const row of defences) describeDefence(row);

  for (const [behaviour, why] of Object.entries(undefended)) {
    it(`${behaviour} does no lasting damage: ${why}`, () => {
      const rounds = Array.from({ length: 8 }, (_, index) => index + 2);
      const calls = rounds.map((number) => `call c1 out ["a",${number}]\nawait c1#${number} within=2s`);
      const script = `cluster n=4 adversaries=0:${behaviour}\nopen c1\n${calls.join('\n')}\nrun 1s\n`;
      expect(runScenario(script).failure).toBeUndefined();
    });
  }

  it('are known for every behaviour, or it is said why not', () => {
    const defended = new Set(defences.map(({ behaviour }) => behaviour));
    const names = Object.keys(byzantineBehaviours);
    expect(names.filter((name) => !defended.has(name)).sort()).toEqual(Object.keys(undefended).sort());
    expect([...defended].filter((name) => !names.includes(name))).toEqual([]);
  });

  it('are listed in the documentation', () => {
    expect(listedAdversaries('replicas')).toEqual(knownAdversaries(defences, undefended));
  });
});
