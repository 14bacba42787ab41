/**
 * The text that is evaluated: whatever the source says, it consists of local names, calls, literals and control
 * flow. Without member access there is no way from a value to its constructor, and without free names there
 * is none to the platform. And the Compartment behind it is empty, should the text ever name something.
 */
import { parse } from 'acorn';
import type { AnyNode } from 'acorn';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/cli/policy-compiler.js';
import { Meter } from '../../src/policy/meter.js';
import { Lookups, methodHelpers } from '../../src/policy/methods.js';
import { compileModule } from '../../src/policy/module.js';
import { evaluateText } from '../../src/policy/sandbox.js';
import { valueHelpers } from '../../src/policy/values.js';
import { moduleWithBody } from '../support/policies.js';

const meter = new Meter();
const helperNames = Object.keys({ ...valueHelpers(meter), ...methodHelpers(meter, new Lookups(meter)) });
const allowed = new Set([
  ...['Program', 'VariableDeclaration', 'VariableDeclarator', 'ArrowFunctionExpression', 'BlockStatement'],
  ...['ExpressionStatement', 'ReturnStatement', 'IfStatement', 'ForStatement', 'BreakStatement'],
  ...['ContinueStatement', 'Identifier', 'Literal', 'ArrayExpression', 'CallExpression', 'UnaryExpression'],
  ...['BinaryExpression', 'LogicalExpression', 'ConditionalExpression', 'UpdateExpression'],
]);

function nodesOf(value: unknown): AnyNode[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(nodesOf);
  return 'type' in value && 'start' in value ? [value as AnyNode, ...below] : below;
}

/** What the text has beyond what compiled text may have. */
function strangeIn(text: string): string[] {
  const nodes = nodesOf(parse(`() => {${text}}`, { ecmaVersion: 2023, sourceType: 'script' }));
  return nodes.flatMap((node) => {
    if (!allowed.has(node.type)) return [node.type];
    if (node.type === 'Identifier')
      return /^[vf]\d+$/.test(node.name) || helperNames.includes(node.name) ? [] : [node.name];
    if (node.type === 'BinaryExpression') return node.operator === '<' ? [] : [node.operator];
    if (node.type === 'UnaryExpression')
      return node.operator === '!' || node.operator === 'void' ? [] : [node.operator];
    return [];
  });
}

const policies = readdirSync(new URL('../../policy', import.meta.url)).filter((name) => name.endsWith('.ts'));

describe('compiled text', () => {
  it.each(policies)('of policy/%s is of calls and local names only', async (name) => {
    const path = fileURLToPath(new URL(`../../policy/${name}`, import.meta.url));
    const { source } = await compilePolicy(path);
    expect(strangeIn(compileModule(source).text)).toEqual([]);
    expect(readFileSync(path, 'utf8')).toMatch(/^\/\*\*/);
  });

  it('of everything that the language has, too', () => {
    const everything = moduleWithBody(
      `const [a, , { length }] = [tuple[0], 1, 'x']; const r = { key: a, 'other': \`\${length}é\\u2028\` };
       for (const [x] of [[1], [2]]) { if (x === 2) break; else continue; }
       return attempt?.tuple?.slice(0, 1)?.map((x, i) => x)[0] !== void 0 && typeof r.key === "string" || !(-1 < 2)
         ? tuple.some(isOdd) : Number.isSafeInteger(5 % 2) && [formal.int, any, double(1)].includes(lease ?? null)`,
      'const isOdd = (x) => x === 1;',
    );
    expect(strangeIn(compileModule(everything).text)).toEqual([]);
  });

  it.each(['import(', 'eval(', '<!--', '-->', '*/', '`${', '\\u0000', '\\\\"; x; "', '\u2028'])(
    'holds strings like %s as nothing but letters and escapes',
    (text) => {
      const source = moduleWithBody(`return tuple[0] === ${JSON.stringify(text)};`);
      const { text: compiled } = compileModule(source);
      expect(compiled).toMatch(/^[\x20-\x7e\n]*$/);
      expect(strangeIn(compiled)).toEqual([]);
    },
  );
});

describe('the compartment', () => {
  const names = [
    'globalThis',
    'Object',
    'Array',
    'Function',
    'eval',
    'Date',
    'Math',
    'Reflect',
    'Proxy',
    'constructor',
    'toString',
    'Symbol',
  ];
  const platform = [
    'process',
    'require',
    'Buffer',
    'console',
    'setTimeout',
    'fetch',
    'crypto',
    'performance',
    'Compartment',
  ];

  it.each([...names, ...platform])('has no %s', (name) => {
    expect(evaluateText(`return typeof ${name};`, {})()).toBe('undefined');
  });

  it('is empty, frozen, and another one each time', () => {
    const globalOf = () =>
      evaluateText('return seen(this);', { seen: (value: unknown) => value })() as object;
    const global = globalOf();
    expect(Object.isFrozen(global)).toBe(true);
    expect(Object.getPrototypeOf(global)).toBeNull();
    expect(Object.values(global).filter((value) => typeof value === 'object')).toEqual([]);
    expect(globalOf()).not.toBe(global);
    expect(() => evaluateText('undeclared = 1;', {})()).toThrow();
  });
});
