import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidInputError, InvariantError } from '../../../src/base/index.js';
import { checkPolicy, definePolicy, loadPolicy, ruleNames, template } from '../../../src/policy/index.js';
import { any, formal } from '../../../src/codec/index.js';
import { load, moduleOf, moduleWithBody, outOf, sha256, spaceOf } from '../../support/policies.js';

describe('checkPolicy', () => {
  it('lists the rules, and which read the time or the space', () => {
    const source = moduleOf(
      'rdp: true, out: ({ time, space }) => time > space.count(template(any)), count: false',
    );
    expect(checkPolicy(source)).toEqual({
      ok: true,
      rules: ['out', 'rdp', 'count'],
      timeRules: ['out'],
      spaceRules: ['out'],
    });
  });

  it.each([
    [
      'export default definePolicy({\n  out: ({ time }) => Date.now() > time,\n});',
      'name',
      3,
      22,
      'Date is not known here: replicas have no clock of their own: use the rule’s time',
    ],
    [
      'export default definePolicy({\n  out: ({ tuple }) => tuple.sort()[0] === 1,\n});',
      'member',
      3,
      29,
      'sort: not on the list of methods',
    ],
    [
      'const f = (a) => {\n  let b = 1;\n  return b === a;\n};\nexport default definePolicy({ out: f });',
      'declaration',
      3,
      3,
      'let: write const',
    ],
    [
      'export default definePolicy({\n  out: true,\n  Out: true,\n});',
      'rule',
      4,
      3,
      `rules are named ${ruleNames.join(', ')}`,
    ],
    [
      'export default definePolicy({ out: ({ tuple }) => tuple[0] == 1 });',
      'operator',
      2,
      51,
      '==: write ===',
    ],
    ['export default definePolicy({ out: });', 'syntax', 2, 36, 'Unexpected token'],
    [
      'const f = (a) => g(a);\nconst g = (a) => f(a);\nexport default definePolicy({ out: f });',
      'recursion',
      2,
      11,
      'this function calls itself, maybe by way of others',
    ],
    [
      'const a = 9007199254740991 * 2;\nexport default definePolicy({ out: true });',
      'evaluation',
      1,
      1,
      'the constants of the module cannot be computed: the result is beyond 2^53',
    ],
    [
      'const f = () => a;\nconst b = f();\nconst a = 1;\nexport default definePolicy({ out: true });',
      'evaluation',
      1,
      1,
      'the constants of the module cannot be computed: a constant is used before it has a value',
    ],
  ] as const)('names rule, place and remedy: %s', (text, rule, line, column, message) => {
    const source = `import { definePolicy } from "theodora/policy";\n${text}`;
    expect(checkPolicy(source)).toEqual({
      ok: false,
      problem: { code: 'POLICY_INVALID', rule, line, column, message },
    });
  });

  it.each([
    ['the export in place', 'import { definePolicy as p } from "theodora/policy"; export default p({});'],
    [
      'the export by name',
      'import { definePolicy } from "theodora/policy"; var a = definePolicy({}); export { a as default };',
    ],
    [
      'further exports',
      'import { definePolicy } from "theodora/policy"; export const b = 1; export default definePolicy({});',
    ],
    [
      'names like those of the compiler',
      moduleOf('out: (v0) => s(v0)', 'const s = (f1) => get(f1) === 1; const get = (v2) => v2.lease ?? 1;'),
    ],
    ['parentheses', moduleOf('out: (((a) => ((a).tuple)[(0)] === (1)))')],
    ['names of other scripts', moduleOf('out: ({ tuple: größe }) => größe.length > 0')],
  ])('accepts %s', (_name, source) => {
    expect(checkPolicy(source)).toMatchObject({ ok: true });
  });
});

describe('loadPolicy', () => {
  it('pins the digest of the module’s UTF-8', () => {
    const source = moduleOf('out: true', '// ü');
    expect(loadPolicy(source, sha256).digest).toBe(createHash('sha256').update(source, 'utf8').digest('hex'));
  });

  it('throws what the check finds', () => {
    const failing = () => load(moduleWithBody('return eval("1");'));
    expect(failing).toThrow(InvalidInputError);
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        fields: expect.objectContaining({ rule: 'name', line: 3 }) as unknown,
      }),
    );
  });

  it('lets defects of ours through, and policies of others go on', () => {
    const policy = load(moduleWithBody('return !space.exists(template(1));'));
    const broken = {
      ...spaceOf(),
      rdp: () => {
        throw new InvariantError('broken index');
      },
    };
    expect(() => policy.evaluate(outOf([1]), broken)).toThrow(InvariantError);
    expect(policy.evaluate(outOf([1]), spaceOf())).toMatchObject({ kind: 'allowed' });
  });
});

describe('theodora/policy', () => {
  it('freezes rules and templates', () => {
    expect(Object.isFrozen(definePolicy({ out: true }))).toBe(true);
    const made = template('a', any, formal.int);
    expect(made).toEqual(['a', any, formal.int]);
    expect(Object.isFrozen(made)).toBe(true);
    expect(() => template(undefined)).toThrow(InvalidInputError);
  });
});
