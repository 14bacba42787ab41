/**
 * Modules that pass the check and then try to use up time, memory or stack, or to keep something (pitfall 27):
 * each is denied after an exact number of steps, and the policy goes on as if nothing had been.
 */
import { describe, expect, it } from 'vitest';
import { policyStepsMax } from '../../src/policy/index.js';
import type { PolicyLookups } from '../../src/policy/index.js';
import { exhausting, sixty } from '../support/hostile-modules.js';
import { codeOf, load, moduleWithBody, outOf, spaceOf } from '../support/policies.js';

const space = spaceOf(['seat', 1], ['seat', 2], ['x', 3]);

describe('what passes the check stays in bounds (pitfall 27)', () => {
  it.each(exhausting)('%s: %s', (_name, code, source, tuple) => {
    const policy = load(source);
    const first = policy.evaluate(outOf(tuple), space);
    expect(codeOf(first)).toBe(code);
    expect(first).not.toMatchObject({ reason: 'the rule failed' });
    if (code === 'POLICY_BUDGET') expect(first.steps).toBeGreaterThan(policyStepsMax);
    expect(policy.evaluate(outOf(tuple), space)).toEqual(first);
    expect(load(source).evaluate(outOf(tuple), space)).toEqual(first);
  });

  it('and leaves nothing behind for the next evaluation', () => {
    const policy = load(
      moduleWithBody(
        'return tuple.length < 2 ? true : tuple.every((a) => tuple.every((b) => tuple.every((c) => true)));',
      ),
    );
    const alone = policy.evaluate(outOf([1]), space);
    expect(codeOf(policy.evaluate(outOf(sixty), space))).toBe('POLICY_BUDGET');
    expect(policy.evaluate(outOf([1]), space)).toEqual(alone);
    expect(codeOf(alone)).toBe('allowed');
  });

  it('also when the budget ends inside of a lookup', () => {
    const many: PolicyLookups = { ...space, rdp: (_template, charge) => (charge(1_000_000), null) };
    const policy = load(moduleWithBody('return !space.exists(template("x"));'));
    expect(codeOf(policy.evaluate(outOf([1]), many))).toBe('POLICY_BUDGET');
    expect(codeOf(policy.evaluate(outOf([1]), space))).toBe('allowed');
  });

  it('and a rule cannot change what it was given', () => {
    const tuple = [1, 'a'];
    const attempt = outOf(tuple);
    const policy = load(moduleWithBody('return tuple.map((a) => a).slice(1).length === 1;'));
    expect(codeOf(policy.evaluate(attempt, space))).toBe('allowed');
    expect(Object.isFrozen(attempt.tuple)).toBe(true);
    expect(attempt.tuple).toEqual(tuple);
  });
});
