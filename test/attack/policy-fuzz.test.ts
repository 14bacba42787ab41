/**
 * Random modules: what the check accepts is evaluated alike again and again, in fresh Policy objects and after
 * other evaluations, within its budget, and without an exception that is not one of ours (pitfall 29). What it
 * refuses, it refuses without throwing.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkPolicy, policyStepsMax } from '../../src/policy/index.js';
import { load, moduleOf, outOf, spaceOf } from '../support/policies.js';

const leaf = fc.constantFrom(
  ...[
    'tuple',
    'lease',
    'invoker',
    'time',
    'space',
    'any',
    'formal.string',
    'double(1)',
    'config',
    'config.list',
  ],
  ...[
    'tuple[0]',
    'tuple[1]',
    'tuple[9]',
    'null',
    'undefined',
    'true',
    'false',
    '0',
    '1',
    '7',
    '0.5',
    '4503599627370496',
  ],
  ...['"seat"', '"a"', '""', '9007199254740991', 'operation', 'attempt.tuple', 'config.seat', 'attempt'],
);
const call = (name: string, ...parts: string[]): string => `${name}(${parts.join(', ')})`;

const { value } = fc.letrec<{ value: string }>((tie) => {
  const a = tie('value');
  const two = fc.tuple(a, a);
  const binary = fc.constantFrom('===', '!==', '<', '<=', '>', '>=', '+', '-', '*', '%', '&&', '||', '??');
  const text = fc.constantFrom('includes', 'startsWith', 'endsWith', 'slice');
  const each = fc.constantFrom('some', 'every', 'find', 'filter', 'map');
  const look = fc.constantFrom('rdp', 'rdAll', 'count', 'exists');
  return {
    value: fc.oneof(
      { maxDepth: 5, depthSize: 'medium', withCrossShrink: true },
      leaf,
      fc.tuple(binary, a, a).map(([operator, left, right]) => `((${left}) ${operator} (${right}))`),
      fc.tuple(fc.constantFrom('!', '-', 'typeof '), a).map(([operator, one]) => `(${operator}(${one}))`),
      fc.tuple(a, a, a).map(([test, yes, no]) => `((${test}) ? (${yes}) : (${no}))`),
      fc.tuple(text, a, a).map(([method, one, other]) => `(${one}).${call(method, other)}`),
      fc
        .tuple(each, a, a)
        .map(([method, one, other]) => `(${one}).${method}((x, i) => (${other}) === x || i)`),
      fc.tuple(look, a, a).map(([method, one, other]) => `space.${method}(template(${one}, ${other}))`),
      two.map(([one, other]) => `(${one}).reduce((s, x) => [s, x, ${other}], 0)`),
      two.map(([one, other]) => `(${one})[${other}]`),
      two.map(([one, other]) => `[${one}, ${other}]`),
      two.map(([one, other]) => `({ seat: ${one}, list: ${other} })`),
      two.map(([one, other]) => `helper(${one}, ${other})`),
      fc.tuple(a).map(([one]) => `(${one})?.tuple?.length`),
      fc.tuple(a).map(([one]) => `\`\${${one}}.\``),
    ),
  };
});

const statement = fc.oneof(
  value.map((one) => `if (${one}) return true;`),
  value.map((one) => `if (${one}) { const a = ${one}; return a === true; } else { return false; }`),
  value.map(
    (one) =>
      `for (const x of [tuple, ${one}]) { if (x === 1) break; if (x?.length === 2) continue; return true; }`,
  ),
  value.map((one) => `for (const x of tuple) for (const y of config.list) if (x === ${one}) return y === 1;`),
);
const body = fc
  .tuple(fc.array(statement, { maxLength: 3 }), value)
  .map(([parts, last]) => `${parts.join('\n')}\nreturn ${last};`);
const module = fc.tuple(body, value).map(([text, helped]) =>
  moduleOf(
    `out: (attempt) => { const { invoker, operation, tuple, lease, time, space } = attempt; ${text} }`,
    `const config = { list: [1, "a", any], seat: 7 };
     const helper = (tuple, space) => { const lease = 1; const invoker = "b"; const time = 2; const operation = ""; const attempt = config; return ${helped.replaceAll('helper(', 'template(')}; };`,
  ),
);
const field = fc.oneof(
  fc.constantFrom<unknown>('seat', '', 'a', 0, 1, 0.5, true, 2n ** 60n, new Uint8Array([1])),
  fc.string({ maxLength: 5, unit: 'grapheme' }),
  fc.integer(),
);
const tuple = fc.array(field, { maxLength: 4 });
const space = spaceOf(['seat', 1], ['a', 'a'], [1, true], [0.5, 'seat'], ['x']);

it('accepted modules answer alike, always, within budget', () => {
  let accepted = 0;
  fc.assert(
    fc.property(module, tuple, tuple, (source, one, other) => {
      if (!checkPolicy(source).ok) return;
      accepted++;
      const policy = load(source);
      const verdict = policy.evaluate(outOf(one), space);
      expect(verdict).not.toMatchObject({ reason: 'the rule failed' });
      policy.evaluate(outOf(other), space);
      expect(policy.evaluate(outOf(one), space)).toEqual(verdict);
      expect(load(source).evaluate(outOf(one), space)).toEqual(verdict);
      // One step less than it took is too little, exactly as much is enough.
      if (verdict.steps > policyStepsMax) return;
      expect(policy.evaluate(outOf(one), space, verdict.steps)).toEqual(verdict);
      const less = policy.evaluate(outOf(one), space, verdict.steps - 1);
      expect(less).toMatchObject({ kind: 'denied', code: 'POLICY_BUDGET' });
    }),
    { numRuns: 600, seed: 4 },
  );
  expect(accepted).toBeGreaterThan(300);
});

it('any other text is refused, not thrown at', () => {
  const token = fc.constantFrom(
    ...[
      'import',
      'export',
      'default',
      'const',
      'x',
      '=',
      '=>',
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      ',',
      ';',
      '.',
      '?.',
      '`',
    ],
    ...[
      '${',
      '"a"',
      '1',
      'definePolicy',
      'out',
      ':',
      'true',
      'for',
      'of',
      'if',
      'return',
      '...',
      'async',
      '/',
      '\n',
      '!',
    ],
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
      const source = tokens.join(' ');
      const check = checkPolicy(source);
      expect(check.ok).toBe(false);
      expect(checkPolicy(source)).toEqual(check);
    }),
    { numRuns: 500, seed: 4 },
  );
});
