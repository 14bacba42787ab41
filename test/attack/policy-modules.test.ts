/**
 * Hostile modules (pitfalls 27, 29): each is refused by a named rule of the allow-list. The list is by what an
 * attacker is after; that nothing else gets through is shown by policy-text.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { checkPolicy, type CheckRule } from '../../src/policy/index.js';
import { moduleOf, moduleWithBody } from '../support/policies.js';

type Attack = readonly [name: string, rule: CheckRule, source: string];

const body = (name: string, rule: CheckRule, text: string, before = ''): Attack => [
  name,
  rule,
  moduleWithBody(text, before),
];
const expression = (name: string, rule: CheckRule, text: string): Attack =>
  body(name, rule, `return ${text};`);
const rules = (name: string, rule: CheckRule, text: string, before = ''): Attack => [
  name,
  rule,
  moduleOf(text, before),
];
const top = (name: string, rule: CheckRule, text: string): Attack => rules(name, rule, 'out: true', text);

const escapes: readonly Attack[] = [
  expression('constructor of a function', 'call', '(tuple.constructor.constructor)("return process")()'),
  expression('constructor by a computed name', 'index', 'tuple["constructor"]'),
  expression('constructor by a template', 'index', 'tuple[`constructor`]'),
  expression('constructor in pieces', 'member', '"".constructor'),
  expression('constructor by escapes', 'member', 'tuple.\\u0063onstructor'),
  body('constructor by a pattern', 'member', 'const { constructor } = tuple; return true;'),
  body('constructor by a computed pattern', 'member', 'const { ["constructor"]: c } = tuple; return true;'),
  expression('prototype by __proto__', 'member', 'tuple.__proto__'),
  expression('__proto__ as a key', 'literal', '({ __proto__: tuple }).length === 0'),
  expression('constructor as a key', 'literal', '({ constructor: 1 }).constructor'),
  expression('then as a key', 'literal', '({ then: 1 }).then'),
  expression('Function', 'name', 'Function("return 1")'),
  expression('eval', 'name', 'eval("1")'),
  expression('eval, indirect', 'operator', '(0, eval)("1")'),
  expression('eval by escapes', 'name', '\\u0065val("1")'),
  expression('import()', 'import', 'import("node:fs")'),
  expression('import.meta', 'name', 'import.meta.url'),
  expression('require', 'name', 'require("fs")'),
  expression('process', 'name', 'process.exit()'),
  expression('globalThis', 'name', 'globalThis.process'),
  expression('this', 'name', 'this.process'),
  expression('arguments', 'name', 'arguments[0]'),
  expression('new.target', 'syntax', 'new.target'),
  expression('new', 'call', 'new Array(9)'),
  expression('Proxy', 'call', 'new Proxy({}, {})'),
  expression('Reflect', 'name', 'Reflect.ownKeys(tuple)'),
  expression('Object', 'name', 'Object.keys(attempt)'),
  expression('Symbol.iterator', 'name', 'tuple[Symbol.iterator]'),
  expression('the compiler’s helpers', 'name', 's(-1000000)'),
  expression('the compiler’s names', 'name', 'v0'),
  expression('a tagged template', 'call', 'template`x`'),
  expression('a method taken off', 'member', 'tuple.includes'),
  body('a method of functions', 'function', 'return helper.call(tuple);', 'const helper = () => true;'),
  expression('bind', 'member', '"".slice.bind("x")'),
  expression('valueOf', 'member', 'tuple.valueOf()'),
  expression('an object with toString', 'literal', '`${{ toString: () => "x" }}`'),
  expression('a getter', 'function', '({ get a() { return 1; } }).a'),
  expression('a method in a literal', 'function', '({ a() { return 1; } }).a'),
  expression('a spread record', 'pattern', '({ ...attempt }).tuple'),
  expression('a spread string', 'pattern', '[..."ab"].length === 2'),
  expression('a private name', 'syntax', '#x in tuple'),
  body('a class', 'function', 'class A {} return true;'),
  body('with', 'syntax', 'with (tuple) { return true; }'),
  top('import of a platform module', 'import', 'import fs from "node:fs";'),
  top('import of everything', 'import', 'import * as all from "theodora/policy";'),
  top('import for its effect', 'import', 'import "node:fs";'),
  top('import of something not offered', 'import', 'import { ruleNames } from "theodora/policy";'),
  top('re-export', 'export', 'export { readFile } from "node:fs";'),
  top('export of everything', 'export', 'export * from "node:fs";'),
];

const divergence: readonly Attack[] = [
  expression('Date', 'name', 'Date.now() === 0'),
  expression('new Date', 'call', 'new Date().length === 0'),
  expression('Math.random', 'name', 'Math.random() < 1'),
  expression('Math.sin', 'name', 'Math.sin(1) < 1'),
  expression('powers', 'operator', '2 ** 0.5 > 1'),
  expression('division', 'operator', '1 / 3 < 1'),
  expression('bit operators', 'operator', '(1 | 2) === 3'),
  expression('locale order', 'member', '"a".localeCompare("b") === 0'),
  expression('locale numbers', 'member', '(1234).toLocaleString() === "1,234"'),
  expression('number formatting', 'member', '(0.1).toFixed(20) === "0.1"'),
  expression('case mapping', 'member', '"İ".toLowerCase() === "i"'),
  expression('normalization', 'member', '"é".normalize() === "é"'),
  expression('Intl', 'call', 'new Intl.Collator()'),
  expression('a regular expression', 'literal', '/^(a+)+$/.test("aaaa!")'),
  expression('JSON', 'name', 'JSON.stringify(tuple) === "[]"'),
  expression('sort', 'member', 'tuple.sort()'),
  expression('sort with a comparator', 'member', 'tuple.sort((a, b) => 1)'),
  expression('bigint literals', 'literal', '1n < 2n'),
  expression('BigInt', 'name', 'BigInt(2)'),
  expression('parseFloat', 'name', 'parseFloat("1") === 1'),
  expression('coercion to a number', 'operator', '+invoker === 1'),
  expression('loose equality', 'operator', '1 == "1"'),
  expression('in', 'operator', '"a" in attempt'),
  expression('instanceof', 'operator', 'tuple instanceof tuple'),
  expression('delete', 'operator', 'delete attempt.tuple'),
  body('for…in', 'statement', 'for (const key in attempt) return key === "time"; return true;'),
  body('try', 'statement', 'try { return tuple[9].x; } catch { return true; }'),
  body('throw', 'statement', 'throw "x";'),
  body('an assignment to the module', 'assignment', 'seen = true; return true;', 'const seen = false;'),
  body('an assignment to a member', 'assignment', 'seen.a = 1; return true;', 'const seen = { a: 0 };'),
  body('a counter', 'assignment', 'count++; return true;', 'const count = 0;'),
  body('let', 'declaration', 'let a = 1; return a === 1;'),
  body('var in a function', 'declaration', 'var a = 1; return a === 1;'),
  body('delete as a statement', 'statement', 'delete attempt.tuple; return true;'),
  body('push', 'statement', 'seen.push(1); return true;', 'const seen = [];'),
  expression('push as an expression', 'member', 'tuple.push(1) > 0'),
  expression('concat', 'member', 'tuple.concat(tuple).length > 0'),
  expression('repeat', 'member', '"a".repeat(1e9) === ""'),
  expression('padEnd', 'member', '"a".padEnd(1e9) === ""'),
  expression('fill', 'member', 'tuple.fill(0).length > 0'),
  expression('async in a callback', 'function', 'tuple.some(async () => true)'),
  expression('await', 'syntax', 'await tuple'),
  rules('an async rule', 'function', 'out: async () => true'),
  rules('a generator', 'function', '*out() { yield true; }'),
  rules('a function rule', 'function', 'out: function () { return true; }'),
  rules('a getter as a rule', 'function', 'get out() { return true; }'),
  rules('two rules for an operation', 'rule', 'out: false, out: true'),
  rules('two rules, one of them quoted', 'rule', 'out: false, "out": true'),
  rules('a computed rule', 'rule', '["out"]: true'),
  rules('a rule for no operation', 'rule', 'create: true'),
  rules('a rule that is neither', 'rule', 'out: 1'),
  rules('spread rules', 'pattern', '...others', 'const others = { out: true };'),
  rules('a default parameter', 'pattern', 'out: ({ tuple = [] }) => true'),
  rules('a rest parameter', 'pattern', 'out: (...all) => true'),
  rules('a rest pattern', 'pattern', 'out: ({ tuple: [a, ...b] }) => true'),
];

const endless: readonly Attack[] = [
  body('while', 'statement', 'while (true) {} return true;'),
  body('do', 'statement', 'do {} while (true); return true;'),
  body('for', 'statement', 'for (;;) {} return true;'),
  body('a label', 'statement', 'again: for (const a of tuple) continue again; return true;'),
  body('for await', 'syntax', 'for await (const a of tuple) return true; return true;'),
  body('break outside', 'syntax', 'break; return true;'),
  body('break in a callback', 'syntax', 'for (const a of tuple) tuple.some(() => { break; }); return true;'),
  rules('recursion', 'recursion', 'out: f', 'const f = (a) => f(a);'),
  rules('mutual recursion', 'recursion', 'out: f', 'const f = (a) => g(a); const g = (a) => f(a);'),
  rules('recursion by a callback', 'recursion', 'out: f', 'const f = ({ tuple }) => tuple.some(f);'),
  rules('recursion by a parameter', 'call', 'out: (f) => f(f)'),
  rules('the Y combinator', 'rule', 'out: ((f) => f(f))((f) => f(f))'),
  rules('a function in an array', 'function', 'out: () => [f].length === 1', 'const f = () => true;'),
  rules('a function in a record', 'function', 'out: () => true', 'const box = { f: () => true };'),
  rules('a function that is returned', 'function', 'out: () => () => true'),
  rules('a function under another name', 'function', 'out: g', 'const f = () => true; const g = f;'),
  rules(
    'a long chain of calls',
    'recursion',
    'out: f0',
    Array.from({ length: 40 }, (_, i) => `const f${i} = (a) => f${i + 1}(a);`).join('\n') +
      'const f40 = (a) => true;',
  ),
  top('a loop at the top', 'statement', 'for (const a of [1]) {}'),
  top('a huge module', 'size', ' '.repeat(70_000)),
  top('a huge literal', 'size', `const a = [${'1,'.repeat(9_000)}];`),
  expression('deep parentheses', 'nesting', `${'('.repeat(20_000)}1${')'.repeat(20_000)} === 1`),
  expression('deep arrays', 'nesting', `${'['.repeat(2_000)}${']'.repeat(2_000)}.length === 1`),
  expression('deep negation', 'nesting', `${'!'.repeat(30_000)}true`),
  expression('a deep sum', 'nesting', `1${'+1'.repeat(3_000)} === 1`),
  expression('deep choices', 'nesting', `${'tuple ? 1 : '.repeat(3_000)}1`),
  body('deep blocks', 'nesting', `${'{'.repeat(3_000)}${'}'.repeat(3_000)} return true;`),
  rules('deep arrows', 'nesting', `out: ${'(a) => '.repeat(3_000)}true`),
  top(
    'a constant that costs too much',
    'evaluation',
    `const a = ${'[1,2,3,4,5,6,7,8,9].map(() => '.repeat(9)}1${')'.repeat(9)};`,
  ),
  top('a constant that fails', 'evaluation', 'const a = 9007199254740991 + 1;'),
  top('a constant that looks into a space', 'name', 'const a = space.count(template(1));'),
];

const disguises: readonly Attack[] = [
  ['no policy', 'policy', 'const a = 1;'],
  ['something else as the export', 'export', 'export default 1;'],
  [
    'a definePolicy of its own',
    'export',
    'const definePolicy = (a) => a; export default definePolicy({ out: true });',
  ],
  ['two policies', 'policy', moduleOf('out: true', 'const a = definePolicy({ out: false });')],
  ['two default exports', 'syntax', `${moduleOf('out: true')}\nexport { any as default };`],
  [
    'rules from elsewhere',
    'policy',
    'import { definePolicy } from "theodora/policy"; const a = { out: true }; export default definePolicy(a);',
  ],
  ['an HTML comment', 'syntax', `<!-- \n${moduleOf('out: true')}`],
  ['an HTML comment that ends', 'syntax', `${moduleOf('out: true')}\n--> eval("1")`],
  ['a hashbang', 'syntax', `#!/usr/bin/env node\n${moduleOf('out: true')}`],
  ['a directive', 'statement', `"use strict";\n${moduleOf('out: true')}`],
  ['an octal literal', 'syntax', moduleWithBody('return 010 === 8;')],
  ['an octal escape', 'syntax', moduleWithBody('return "\\01" === "";')],
  ['a lone surrogate', 'syntax', moduleWithBody('return "\ud800" === "";')],
  ['a number beyond 2^53', 'literal', moduleWithBody('return 9007199254740993 === 1;')],
  ['an infinite number', 'literal', moduleWithBody('return 1e999 > 1;')],
  ['the name undefined taken', 'syntax', 'let undefined = 1; undefined = {'],
  ['an undeclared name', 'name', moduleWithBody('return nobody === 1;')],
  ['a name before its declaration', 'name', moduleWithBody('const a = b; const b = 1; return a === b;')],
  ['a hole in an array', 'literal', moduleWithBody('return [1,,2].length === 3;')],
  ['a comma operator', 'operator', moduleWithBody('return (1, true);')],
  ['nothing at all', 'policy', ''],
];

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
