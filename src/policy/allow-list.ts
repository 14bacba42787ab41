/**
 * The first wall: what a policy may consist of (DESIGN section 5). A list of what is allowed, not of what is
 * dangerous: a node type, a member or a global that is not named here is refused, and whatever new syntax an
 * engine or a parser learns is refused until somebody adds it here. The remedies only make refusals helpful.
 */
import type { AnyNode, Node } from 'acorn';
import { refuse, type CheckRule } from './problem.js';

/** Bounds that keep parser, compiler and stack far from their own limits at every replica. */
export const sourceLengthMax = 64 << 10;
export const nodesMax = 8_000;
export const depthMax = 64;
export const callDepthMax = 32;

const nodeTypes = new Set([
  ...['Program', 'ImportDeclaration', 'ImportSpecifier', 'ExportNamedDeclaration', 'ExportSpecifier'],
  ...['ExportDefaultDeclaration', 'VariableDeclaration', 'VariableDeclarator', 'ArrowFunctionExpression'],
  ...['BlockStatement', 'IfStatement', 'ReturnStatement', 'ForOfStatement', 'BreakStatement'],
  ...['ContinueStatement', 'Identifier', 'Literal', 'TemplateLiteral', 'TemplateElement'],
  ...['ArrayExpression', 'ObjectExpression', 'Property', 'ArrayPattern', 'ObjectPattern'],
  ...['MemberExpression', 'ChainExpression', 'CallExpression', 'UnaryExpression', 'BinaryExpression'],
  ...['LogicalExpression', 'ConditionalExpression', 'ParenthesizedExpression'],
]);

const loops = 'loop with for…of, or use some, every, find, filter, map or reduce';
const remedies: Readonly<Record<string, readonly [CheckRule, string]>> = {
  AssignmentExpression: ['assignment', 'nothing may be assigned: declare another const'],
  UpdateExpression: ['assignment', 'nothing may be assigned: use reduce, or filter(…).length'],
  AssignmentPattern: ['pattern', 'no default values: write value ?? other'],
  RestElement: ['pattern', 'no rest elements: use slice'],
  SpreadElement: ['pattern', 'no spreading: name the elements'],
  FunctionDeclaration: ['function', 'write const f = (…) => …'],
  FunctionExpression: ['function', 'write an arrow function'],
  ClassDeclaration: ['function', 'no classes: use functions and values'],
  ClassExpression: ['function', 'no classes: use functions and values'],
  NewExpression: ['call', 'nothing can be constructed: use literals, template(…) and double(…)'],
  AwaitExpression: ['function', 'rules are synchronous'],
  YieldExpression: ['function', 'rules are no generators'],
  ThisExpression: ['name', 'there is no this: use the rule’s argument'],
  Super: ['name', 'there are no classes'],
  MetaProperty: ['name', 'there is nothing to ask about the module or the call'],
  ImportExpression: ['import', 'import at the top of the file; the compiler puts files together'],
  ImportDefaultSpecifier: ['import', 'import { definePolicy, … } from "theodora/policy"'],
  ImportNamespaceSpecifier: ['import', 'import { definePolicy, … } from "theodora/policy"'],
  ImportAttribute: ['import', 'import { definePolicy, … } from "theodora/policy"'],
  ExportAllDeclaration: ['export', 'export default definePolicy({ … })'],
  TaggedTemplateExpression: ['call', 'no tagged templates: call a function'],
  SequenceExpression: ['operator', 'no comma operator: write statements'],
  ThrowStatement: ['statement', 'a rule decides by true or false: return false'],
  TryStatement: ['statement', 'errors cannot be caught: a rule that fails denies'],
  SwitchStatement: ['statement', 'use if'],
  LabeledStatement: ['statement', 'no labels: put the inner loop into a function'],
  ExpressionStatement: ['statement', 'an expression alone has no effect: return it or drop it'],
  EmptyStatement: ['statement', 'drop the empty statement'],
  DebuggerStatement: ['statement', 'drop it'],
  WithStatement: ['statement', 'use destructuring'],
  WhileStatement: ['statement', loops],
  DoWhileStatement: ['statement', loops],
  ForStatement: ['statement', loops],
  ForInStatement: ['statement', 'the order of keys is no one’s promise: use for…of over an array'],
  PrivateIdentifier: ['name', 'there are no classes'],
};

/** Members that hold data: of a rule's argument, of entries, of arrays, strings, bytes and doubles. */
const dataMembers = new Set([
  ...['invoker', 'operation', 'tuple', 'template', 'limit', 'lease', 'time', 'space', 'owner'],
  ...['readers', 'takers', 'id', 'deadline', 'length', 'value'],
]);

/** Methods, each with the least and the greatest number of arguments. */
export const methods: ReadonlyMap<string, readonly [least: number, greatest: number]> = new Map([
  ['includes', [1, 1]],
  ['startsWith', [1, 1]],
  ['endsWith', [1, 1]],
  ['slice', [1, 2]],
  ['rdp', [1, 1]],
  ['rdAll', [1, 2]],
  ['count', [1, 1]],
  ['exists', [1, 1]],
]);
export const spaceMethods: ReadonlySet<string> = new Set(['rdp', 'rdAll', 'count', 'exists']);

/** Methods that take a function first; reduce also takes where to start. */
export const predicateMethods: ReadonlySet<string> = new Set([
  ...['some', 'every', 'find', 'filter', 'map', 'reduce'],
]);

/** Names of object prototypes: never a key, though nothing looks at prototypes. */
const inherited = new Set([
  ...['constructor', 'prototype', 'toString', 'toLocaleString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'],
  ...['propertyIsEnumerable', 'toJSON', 'then', 'caller', 'callee', 'arguments', 'apply', 'bind', 'call'],
]);

/** Whether an object literal may have this key. */
export function isKeyAllowed(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !inherited.has(name) && !methods.has(name);
}

export function isDataMember(name: string, ownKeys: ReadonlySet<string>): boolean {
  return dataMembers.has(name) || ownKeys.has(name);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function checkNodeType(node: AnyNode): void {
  if (nodeTypes.has(node.type)) return;
  // What stands there alone says more than that it stands alone.
  if (node.type === 'ExpressionStatement') checkNodeType(node.expression);
  const [rule, remedy] = remedies[node.type] ?? ['syntax', 'this is not part of the policy language'];
  refuse(rule, node, `${node.type}: ${remedy}`);
}

/** Calls `visit` for the node and everything below it, after checking that each is on the list. */
export function checkNodes(root: Node, visit: (node: AnyNode) => void): void {
  let count = 0;
  const walk = (node: AnyNode, depth: number): void => {
    if (++count > nodesMax) refuse('size', node, `more than ${nodesMax} syntax nodes: split the policy`);
    if (depth > depthMax) refuse('nesting', node, `nested more than ${depthMax} deep: name the parts`);
    checkNodeType(node);
    visit(node);
    for (const value of Object.values(node) as unknown[]) {
      const children: readonly unknown[] = Array.isArray(value) ? value : [value];
      for (const child of children) if (isNode(child)) walk(child, depth + 1);
    }
  };
  walk(root as AnyNode, 0);
}
