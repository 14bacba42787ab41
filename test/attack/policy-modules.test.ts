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
