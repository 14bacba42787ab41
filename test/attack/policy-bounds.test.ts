/**
 * Modules that pass the check and then try to use up time, memory or stack, or to keep something (pitfall 27):
 * each is denied after an exact number of steps, and the policy goes on as if nothing had been.
 */
import { describe, expect, it } from 'vitest';
import { policyStepsMax } from '../../src/policy/index.js';
import type { PolicyLookups } from '../../src/policy/index.js';
import { codeOf, load, moduleOf, moduleWithBody, outOf, spaceOf } from '../support/policies.js';

type Case = readonly [name: string, code: string, source: string, tuple: readonly unknown[]];

const sixty = Array.from({ length: 60 }, (_, i) => `x${i}`);
const long = 'a'.repeat(60_000);
const body = (name: string, code: string, text: string, tuple: readonly unknown[] = sixty): Case => [
  name,
  code,
  moduleWithBody(text),
  tuple,
];
const deepest = (innermost: string) =>
  `for (const a of tuple) for (const b of tuple) for (const c of tuple) for (const d of tuple) { ${innermost} } return true;`;
const doubling = Array.from({ length: 30 }, (_, i) => `const t${i + 1} = t${i} + t${i};`).join(' ');
const fan = Array.from({ length: 30 }, (_, i) => `const f${i} = (a) => f${i + 1}(a) && f${i + 1}(a);`).join(
  '\n',
);
const nestedArrays = 'tuple.map((a) => tuple.map((b) => tuple.map((c) => tuple)))';

const exhausting: readonly Case[] = [
  body('nested loops', 'POLICY_BUDGET', deepest('if (a === d + "y") return false;')),
  body('nested empty loops', 'POLICY_BUDGET', deepest('')),
  body('loops that only go on', 'POLICY_BUDGET', deepest('continue;')),
  body(
    'nested predicates',
    'POLICY_BUDGET',
    'return tuple.every((a) => tuple.every((b) => tuple.every((c) => true)));',
  ),
  body(
    'nested filters',
    'POLICY_BUDGET',
    'return tuple.filter((a) => tuple.filter((b) => tuple.find((c) => false) === a)).length === 0;',
  ),
  body('nested maps', 'POLICY_BUDGET', `return ${nestedArrays}.length === 60;`),
  body(
    'maps kept in arrays',
    'POLICY_BUDGET',
    `const a = [${nestedArrays}, ${nestedArrays}]; return a.length === 2;`,
  ),
  body(
    'nested reduces',
    'POLICY_BUDGET',
    'return tuple.reduce((s, a) => tuple.reduce((t, b) => tuple.reduce((u, c) => u + 1, t), s), 0) > 0;',
  ),
  body('slices of slices', 'POLICY_BUDGET', deepest('const s = tuple.slice(0).slice(0);')),
  body(
    'doubling strings',
    'POLICY_BUDGET',
    `const t0 = "aaaaaaaaaaaaaaaa"; ${doubling} return t30.length > 0;`,
  ),
  body(
    'doubling strings in templates',
    'POLICY_BUDGET',
    'return tuple.reduce((s, a) => `${s}${s}`, "aaaaaaaa") === "";',
  ),
  body(
    'strings doubled by reduce',
    'POLICY_BUDGET',
    'return tuple.reduce((s, a) => s + s, "aaaaaaaa") === "";',
  ),
  body('searching long strings', 'POLICY_BUDGET', 'return tuple[0].includes(tuple[1]);', [
    long,
    `${'a'.repeat(30_000)}b`,
  ]),
  body(
    'comparing long strings',
    'POLICY_BUDGET',
    'return tuple.every((a) => tuple.every((b) => a === b));',
    Array.from({ length: 8 }, () => long),
  ),
  body(
    'ordering long strings',
    'POLICY_BUDGET',
    'return tuple.every((a) => tuple.every((b) => a <= b));',
    Array.from({ length: 8 }, () => long),
  ),
  body(
    'comparing long bytes',
    'POLICY_BUDGET',
    'return tuple.every((a) => tuple.every((b) => a === b));',
    Array.from({ length: 8 }, () => new Uint8Array(60_000)),
  ),
  body(
    'searching arrays of long strings',
    'POLICY_BUDGET',
    'return tuple.every((a) => tuple.includes(a.slice(0)));',
    Array.from({ length: 8 }, (_, i) => long + String(i)),
  ),
  body(
    'looking into the space again and again',
    'POLICY_BUDGET',
    deepest('if (space.exists(template("none"))) return false;'),
  ),
  body(
    'counting again and again',
    'POLICY_BUDGET',
    deepest('if (space.count(template(any, any)) === 7) return false;'),
  ),
  body('making templates', 'POLICY_BUDGET', deepest('if (template(a, b, c, d).length === 5) return false;')),
  [
    'functions that call two of the next',
    'POLICY_BUDGET',
    moduleOf('out: f0', `${fan}\nconst f30 = (a) => true;`),
    sixty,
  ],
  body('a product beyond 2^53', 'POLICY_ERROR', 'return tuple.reduce((s, a) => s * 1000, 1) > 0;'),
  body('a sum beyond 2^53', 'POLICY_ERROR', 'return 9007199254740991 + tuple.length > 0;'),
  body('a remainder by zero', 'POLICY_ERROR', 'return 1 % (tuple.length - 60) === 0;'),
  body('a function where there is none', 'POLICY_ERROR', 'return tuple[99].length === 0;'),
  body('members of null', 'POLICY_ERROR', 'return lease.length === 0;'),
  body('a template of records', 'POLICY_ERROR', 'return space.exists(template({ kind: "any" }));'),
  body('a marker that is made up', 'POLICY_DENIED', 'return { kind: "any" } === any;'),
  body(
    'a template of more than 64 fields',
    'POLICY_ERROR',
    'return space.exists(tuple.map((a) => a).reduce((s, a) => [s, a], [a0])) ;'.replace(
      '[a0]',
      '[undefined]',
    ),
  ),
  body('another space', 'POLICY_ERROR', 'return { space: 1 }.space.exists(template(1));'),
  body('a space of arrays', 'POLICY_ERROR', 'return tuple.count(template(1)) === 0;'),
  body('a member of the space', 'POLICY_ERROR', 'return space.length;'),
  body('the identity of arrays', 'POLICY_ERROR', 'return tuple === tuple;'),
  body(
    'the identity of entries',
    'POLICY_ERROR',
    'return space.rdp(template("seat", any)) === space.rdp(template("seat", any));',
  ),
  body('an array as an index', 'POLICY_ERROR', 'return tuple[[0]] === "x0";'),
  body('a string as an index', 'POLICY_ERROR', 'return tuple["len".slice(0) + "gth"] === 60;'),
  body('the index of a record', 'POLICY_ERROR', 'return attempt[0] === 1;'),
  body('a string where an array is', 'POLICY_ERROR', 'for (const a of "ab") return true; return false;'),
  body('methods of other types', 'POLICY_ERROR', 'return (5).includes(5);'),
  body('a sum of a string and a number', 'POLICY_ERROR', 'return "a" + 1 === "a1";'),
  body('text of an array', 'POLICY_ERROR', 'return `${tuple}` === "x0";'),
  body('text of a fraction', 'POLICY_ERROR', 'return `${tuple[0]}` === "0.1";', [0.1]),
  body('arithmetic on fractions', 'POLICY_ERROR', 'return tuple[0] + tuple[1] === 0.3;', [0.1, 0.2]),
  body('arithmetic on large integers', 'POLICY_ERROR', 'return tuple[0] + 1 > 0;', [2n ** 60n]),
  body('an order of strings and numbers', 'POLICY_ERROR', 'return "10" < 9;'),
  body('an order of null', 'POLICY_ERROR', 'return lease < 9;'),
  body('an answer that is no boolean', 'POLICY_ERROR', 'return 1;'),
  body('an answer that is true elsewhere', 'POLICY_ERROR', 'return "true";'),
  body('no answer', 'POLICY_ERROR', 'if (tuple.length === 61) return true;'),
  body('an answer that is undefined', 'POLICY_ERROR', 'return undefined;'),
];

const space = spaceOf(['seat', 1], ['seat', 2], ['x', 3]);

describe('what passes the check stays in bounds', () => {
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
