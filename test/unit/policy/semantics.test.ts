import { describe, expect, it } from 'vitest';
import { hidden, Tag } from '../../../src/codec/index.js';
import {
  codeOf,
  judge,
  load,
  lookupsOver,
  moduleOf,
  moduleWithBody,
  outOf,
  spaceOf,
} from '../../support/policies.js';

const space = spaceOf(['job', 1, 'queued'], ['job', 2, 'done'], ['ban', 'bob'], ['big', 2n ** 60n]);

/** Expressions that are true for `out` of `tuple` by alice at 1000, without a lease. */
const truths: readonly (readonly [text: string, tuple?: readonly unknown[]])[] = [
  ['invoker === "alice" && operation === "out" && time === 1000 && lease === null'],
  ['attempt.template === null && attempt.readers === null && attempt.limit === null'],
  ['tuple.length === 2 && tuple[0] === "a" && tuple[1] === 1', ['a', 1]],
  ['tuple[2] === undefined', ['a']],
  ['tuple[0] !== "1"', [1]],
  ['tuple[0] !== tuple[1]', [1, '1']],
  [
    'typeof tuple[0] === "number" && typeof tuple[1] === "string" && typeof tuple[2] === "bigint"',
    [1, 'a', 2n ** 60n],
  ],
  ['typeof tuple[0] === "boolean" && typeof tuple[9] === "undefined" && typeof null === "object"', [true]],
  ['double(1) === double(1) && double(1) !== double(2)'],
  ['double(1) !== 1 && double(1).value === 1 && double(0.5) === 0.5'],
  [
    'tuple[0] === tuple[1] && tuple[0] !== tuple[2]',
    [new Uint8Array([1, 2]), new Uint8Array([1, 2]), new Uint8Array([1])],
  ],
  ['tuple[0].length === 2 && tuple[0][1] === 2 && tuple[0][2] === undefined', [new Uint8Array([1, 2])]],
  ['tuple[0] > 1 && !(tuple[0] < 9007199254740991)', [2n ** 62n]],
  ['tuple[0] < tuple[1] && tuple[1] > tuple[0] && tuple[0] <= tuple[0] && tuple[0] >= tuple[0]', [0.1, 0.2]],
  ['"a" < "b" && "B" < "a" && "" < "a" && !("b" < "a") && "é" > "z"'],
  ['1 + 2 === 3 && 1 - 2 === -1 && 2 * 3 === 6 && 7 % 3 === 1 && -7 % 3 === -1'],
  ['0 * -1 === 0 && `${0 * -1}` === "0" && `${-0}` === "0"'],
  ['"a" + "b" === "ab" && `${invoker}:${tuple.length}` === "alice:0"'],
  ['"abc".includes("b") && "abc".startsWith("ab") && "abc".endsWith("bc") && !"abc".includes("x")'],
  ['"abc".slice(1) === "bc" && "abc".slice(0, -1) === "ab" && "abc".length === 3'],
  ['tuple.includes(2) && !tuple.includes("2") && tuple.slice(1).length === 2', [1, 2, 3]],
  ['tuple.some((x) => x > 2) && tuple.every((x) => x > 0) && !tuple.some((x) => x > 3)', [1, 2, 3]],
  ['tuple.every((x, i) => x === i + 1) && tuple.find((x) => x > 1) === 2', [1, 2, 3]],
  ['tuple.filter((x) => x > 1).length === 2 && tuple.map((x) => x * 2)[2] === 6', [1, 2, 3]],
  ['tuple.reduce((sum, x, i) => sum + x * i, 0) === 8', [1, 2, 3]],
  ['tuple.some(isTwo)', [1, 2]],
  ['max(3, 5) === 5 && limits.most === 7 && limits.names[1] === "b"'],
  ['(lease ?? 5) === 5 && (tuple[0] ?? 5) === 1', [1]],
  ['space.rdp(template("none", any))?.tuple[1].value === undefined'],
  ['space.rdp(template("job", any, "done"))?.id === 2'],
  [
    'Number.isSafeInteger(tuple[0]) && !Number.isSafeInteger(tuple[1]) && !Number.isSafeInteger("1")',
    [1, 0.5],
  ],
  ['!0 && !"" && !null && !undefined && !!"a" && (tuple.length ? true : false)', [1]],
  ['any === any && any !== formal.int && formal.int === formal.int && any !== "any"'],
  ['template(1, any)[1] === any && template(formal.string)[0] === formal.string && template(1)[0] === 1'],
  ['space.exists(template("ban", "bob")) && !space.exists(template("ban", invoker))'],
  ['space.count(template("job", formal.int, any)) === 2 && space.count(template(any)) === 0'],
  ['space.rdp(template("none")) === null'],
  [
    'space.rdp(template("job", any, any)).tuple[1] === 1 && space.rdp(template("ban", any)).owner === "somebody"',
  ],
  [
    'space.rdp(template("ban", any)).deadline === null && space.exists(space.rdp(template("ban", any)).tuple)',
  ],
  [
    'space.rdAll(template("job", any, any)).length === 2 && space.rdAll(template("job", any, any), 1)[0].id === 1',
  ],
  ['space.rdAll(template("job", any, any)).every(({ tuple: [kind, n], id }) => kind === "job" && n === id)'],
  ['space.rdp(template("big", any)).tuple[1] > 9007199254740991'],
];

const constants = `const limits = { most: 3 + 4, names: ["a", "b"] };
  const isTwo = (x) => x === 2; const max = (a, b) => { if (a > b) { return a; } return b; };`;

describe('expressions', () => {
  it.each(truths.map(([text, tuple = []]) => ({ text, tuple })))('$text', ({ text, tuple }) => {
    const verdict = judge(`return ${text};`, tuple, constants, space);
    expect(verdict).toMatchObject({ kind: 'allowed' });
    expect(codeOf(judge(`return !(${text});`, tuple, constants, space))).toBe('POLICY_DENIED');
  });
});

describe('statements', () => {
  it.each([
    ['for (const x of tuple) { if (x === 2) return true; } return false;', [1, 2], 'allowed'],
    ['for (const x of tuple) { if (x === 2) return true; } return false;', [1, 3], 'POLICY_DENIED'],
    ['for (const x of tuple) if (x === 1) break; else return false; return true;', [1, 3], 'allowed'],
    ['for (const x of tuple) { if (x === 1) continue; return x === 3; } return false;', [1, 3], 'allowed'],
    [
      'for (const x of tuple) for (const y of tuple) { if (y === 1) break; return false; } return true;',
      [1, 3],
      'allowed',
    ],
    [
      'const [a, , b] = tuple; const { length } = tuple; return a === 1 && b === 3 && length === 3;',
      [1, 2, 3],
      'allowed',
    ],
    [
      'const { tuple: [a], space: s } = attempt; { const a = 5; if (a !== 5) return false; } return a === 1;',
      [1],
      'allowed',
    ],
    [
      'if (tuple.length > 1) return false; else if (tuple.length === 1) return true; return false;',
      [1],
      'allowed',
    ],
    ['if (tuple.length > 1) return false;', [1], 'POLICY_ERROR'],
    ['return;', [1], 'POLICY_ERROR'],
  ] as const)('%s on %j: %s', (body, tuple, code) => {
    expect(codeOf(judge(body, tuple))).toBe(code);
  });

  it('give closures their own constant each round', () => {
    const body =
      'for (const x of tuple) { const y = x + 1; if (!tuple.some((z) => z === x && y === z + 1)) return false; } return true;';
    expect(codeOf(judge(body, [1, 5, 9]))).toBe('allowed');
  });
});

describe('fingerprints', () => {
  const [tag, same, other] = [1, 1, 2].map((byte) => new Tag('int', new Uint8Array(32).fill(byte)));
  const text = new Tag('string', tag!.point);
  const held = [['job', same!, hidden] as const].map((tuple) => ({
    ...{ id: 1n, tuple, owner: 'somebody', deadline: null },
  }));
  const codeFor = (body: string) =>
    codeOf(
      load(moduleWithBody(body)).evaluate(
        { operation: 'out', invoker: 'alice', time: 1, tuple: [tag!, same!, other!, text, hidden, 'job'] },
        lookupsOver(held),
      ),
    );

  it.each([
    ['tuple[0] === tuple[1] && tuple[0] !== tuple[2] && tuple[0] !== tuple[3]', 'allowed'],
    ['tuple[4] === tuple[4] && tuple[4] !== tuple[0] && tuple[4] !== null && tuple[4] !== any', 'allowed'],
    ['tuple[0] !== 1 && tuple[3] !== "a" && tuple[0] !== formal.int && tuple.includes(tuple[1])', 'allowed'],
    [
      'typeof tuple[0] === "object" && tuple[0].point === undefined && tuple[0].type === undefined',
      'POLICY_INVALID',
    ],
    ['tuple[0].length === undefined && tuple[0].value === undefined', 'allowed'],
    [
      'space.count(template(any, tuple[0], any)) === 1 && !space.exists(template(any, tuple[2], any))',
      'allowed',
    ],
    ['space.count(template(any, formal.int, any)) === 1', 'allowed'],
    ['space.count(template(any, any, formal.int)) === 0', 'allowed'],
    ['space.rdp(template("job", any, any)).tuple[1] === tuple[0]', 'allowed'],
    ['space.rdp(template("job", any, any)).tuple[2] === tuple[4]', 'allowed'],
    ['space.exists(template(any, any, tuple[4]))', 'POLICY_ERROR'],
    ['space.exists(tuple)', 'POLICY_ERROR'],
    ['tuple[0] > 1', 'POLICY_ERROR'],
    ['tuple[0] + 1 === 2', 'POLICY_ERROR'],
  ])('are opaque: %s', (text_, code) => {
    const judged = (): string => {
      try {
        return codeFor(`return ${text_};`);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(judged()).toBe(code);
  });
});

describe('rules', () => {
  const policy = load(
    moduleOf(
      'out: true, inp: false, rdp: check, cas: ({ template, tuple }) => template[1] === any && template[0] === tuple[0], rdAll: ({ limit }) => limit > 0',
      'const check = ({ template }) => template[0] === "a";',
    ),
  );
  const on = (operation: 'out' | 'inp' | 'rdp' | 'cas' | 'rdAll' | 'count', rest = {}) =>
    codeOf(policy.evaluate({ operation, invoker: 'alice', time: 1, ...rest }, space));
  const a = { kind: 'value', value: 'a' } as const;

  it('are given the operation’s own arguments', () => {
    expect(on('out')).toBe('allowed');
    expect(on('inp')).toBe('POLICY_DENIED');
    expect(on('rdp', { template: [a] })).toBe('allowed');
    expect(on('rdp', { template: [{ kind: 'any' }] })).toBe('POLICY_DENIED');
    expect(on('cas', { template: [a, { kind: 'any' }], tuple: ['a'] })).toBe('allowed');
    expect(on('cas', { template: [a, a], tuple: ['a'] })).toBe('POLICY_DENIED');
    expect(on('rdAll', { limit: 1 })).toBe('allowed');
    expect(on('rdAll')).toBe('POLICY_ERROR');
  });

  it('that are missing deny', () => {
    expect(policy.rules).toEqual(['out', 'rdp', 'inp', 'cas', 'rdAll']);
    expect(policy.evaluate({ operation: 'count', invoker: 'alice', time: 1 }, space)).toEqual({
      kind: 'denied',
      code: 'POLICY_DENIED',
      rule: 'count',
      steps: 0,
      reason: null,
    });
  });

  it('say whether they read the time or look into the space, by way of functions too', () => {
    const source = moduleOf(
      'out: ({ time }) => time > 0, rdp: (a) => late(a), rd: (a) => [a].some(late), inp: ({ space }) => space.exists(template(1)), count: ({ lease }) => lease === 1, in: true',
      'const late = (a) => a.time > 5; const unused = (a) => a.time;',
    );
    const made = load(source);
    const names = ['out', 'rdp', 'rd', 'inp', 'count', 'in', 'cas'] as const;
    expect(names.filter((name) => made.usesTime(name))).toEqual(['out', 'rdp', 'rd']);
    expect(names.filter((name) => made.usesSpace(name))).toEqual(['inp']);
  });
});

describe('the budget', () => {
  const body = 'return tuple.every((x) => space.count(template("job", x, any)) === 1);';

  it.each([
    ['return true;', [], 13],
    ['return tuple.length === 1;', [1], 18],
    [body, [1, 2], 107],
  ] as const)('of %s on %j is the same at every replica', (text, tuple, steps) => {
    expect(judge(text, tuple, '', space)).toEqual({ kind: 'allowed', steps });
  });

  it('is exact', () => {
    const policy = load(moduleWithBody(body));
    const { steps } = policy.evaluate(outOf([1, 2]), space);
    expect(codeOf(policy.evaluate(outOf([1, 2]), space, steps))).toBe('allowed');
    expect(codeOf(policy.evaluate(outOf([1, 2]), space, steps - 1))).toBe('POLICY_BUDGET');
    expect(codeOf(policy.evaluate(outOf([1, 2]), space, 0))).toBe('POLICY_BUDGET');
  });

  it('counts candidates, not time', () => {
    const few = judge('return space.exists(template(1));', [], '', spaceOf([1]));
    const more = judge('return space.exists(template(1));', [], '', spaceOf([1], [2], [3]));
    expect(more.steps - few.steps).toBe(2 * 2);
  });
});
