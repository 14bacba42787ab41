/**
 * Hostile modules (pitfalls 27, 29): each is refused by a named rule of the allow-list. That nothing else gets
 * through is shown by policy-text.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../src/policy/index.js';
import { disguises, divergence, endless, escapes } from '../support/hostile-modules.js';

describe.each([
  ['escape', escapes],
  ['divergence', divergence],
  ['endlessness', endless],
  ['disguise', disguises],
] as const)('modules after %s are refused', (_aim, attacks) => {
  it.each(attacks)('%s: %s', (_name, rule, source) => {
    const check = checkPolicy(source);
    expect(check).toMatchObject({ ok: false, problem: { code: 'POLICY_INVALID', rule } });
    expect(checkPolicy(source)).toEqual(check);
  });
});

it('there are enough of them', () => {
  expect(escapes.length + divergence.length + endless.length + disguises.length).toBeGreaterThan(100);
});

describe('how much stack there is decides nothing', () => {
  const nested = (opening: string, innermost: string, closing: string, levels: number): string =>
    `${opening.repeat(levels)}${innermost}${closing.repeat(levels)}`;
  const kinds: readonly (readonly [name: string, text: (levels: number) => string])[] = [
    ['parentheses', (levels) => nested('(', '1', ')', levels)],
    ['negations', (levels) => nested('!', 'true', '', levels)],
    ['arrows', (levels) => nested('(a) => ', '1', '', levels)],
    ['choices', (levels) => nested('tuple ? 1 : ', '1', '', levels)],
    ['sums', (levels) => nested('1 + ', '1', '', levels)],
    ['arrays', (levels) => nested('[', '1', ']', levels)],
    ['objects', (levels) => nested('{ a: ', '1', '}', levels)],
    ['calls', (levels) => nested('f(', '1', ')', levels)],
    ['templates', (levels) => nested('`${', '1', '}`', levels)],
    ['constructions', (levels) => nested('new ', 'f', '', levels)],
    ['async arrows', (levels) => nested('async (a) => ', '1', '', levels)],
    ['blocks', (levels) => `() => ${nested('{', '', '}', levels)}`],
    ['patterns', (levels) => `(${nested('[', 'a', ']', levels)}) => 1`],
    ['classes', (levels) => nested('class { a = ', '1', '}', levels)],
    ['a regular expression', (levels) => `/${nested('(', 'a', ')', levels)}/`],
  ];
  /** Calls with little of the stack left. */
  const deepDown = <T>(calls: number, inspect: () => T): T =>
    calls === 0 ? inspect() : deepDown(calls - 1, inspect);

  it.each(kinds)('%s, with a mistake behind them', (_name, text) => {
    for (const levels of [300, 1_000, 2_000, 4_000, 8_000]) {
      const source = `import { definePolicy } from 'theodora/policy';\nconst a = ${text(levels)};\nconst = ;\n`;
      if (source.length > 65_536) continue;
      const check = checkPolicy(source);
      const rule = text === kinds.at(-1)![1] ? 'literal' : 'nesting';
      expect(check).toMatchObject({ ok: false, problem: { rule, line: 2 } });
      for (const calls of [0, 1_000, 3_000])
        expect(deepDown(calls, () => checkPolicy(source))).toEqual(check);
    }
  });

  it('what nests as deeply as may be is parsed', () => {
    for (const [name, text] of kinds.slice(0, -1)) {
      const source = `import { definePolicy } from 'theodora/policy';\nconst a = ${text(40)};\nconst = ;\n`;
      expect([name, checkPolicy(source)]).toMatchObject([name, { problem: { rule: 'syntax', line: 3 } }]);
    }
  });
});
