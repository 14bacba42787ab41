/**
 * What the pure rooms may not name, found on the syntax tree and without the linter: a clock, entropy, the
 * locale, I/O, asynchrony, and what engines compute differently.
 */
import ts from 'typescript';
import { lineOf, parse, visit } from './syntax.js';

const bannedNames = new Set([
  ...[
    'Date',
    'Intl',
    'Promise',
    'Temporal',
    'WeakRef',
    'FinalizationRegistry',
    'Atomics',
    'SharedArrayBuffer',
  ],
  ...[
    'process',
    'console',
    'Buffer',
    'globalThis',
    'global',
    'require',
    'eval',
    'Function',
    'structuredClone',
  ],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['queueMicrotask', 'performance', 'crypto', 'fetch', 'TextEncoder', 'TextDecoder', 'URL', 'WebAssembly'],
]);
const bannedMembers = /^(localeCompare|normalize|toLocale[A-Z]\w*)$/;
const exactMath = new Set(['abs', 'ceil', 'clz32', 'floor', 'imul', 'max', 'min', 'round', 'sign', 'trunc']);

/** Whether an identifier is a name of its own here: neither a member, nor a key, nor declared or a type. */
function isFreeName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent)) return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  return (
    !('name' in parent && parent.name === node) && !('propertyName' in parent && parent.propertyName === node)
  );
}

function memberComplaint(node: ts.PropertyAccessExpression): string | null {
  const owner = ts.isIdentifier(node.expression) ? node.expression.text : '';
  const member = node.name.text;
  if (owner === 'Math' && !exactMath.has(member)) return `Math.${member}`;
  if (owner === 'JSON' && member === 'stringify') return 'JSON.stringify';
  return bannedMembers.test(member) ? `.${member}` : null;
}

function callComplaint(node: ts.CallExpression): string | null {
  const callee = node.expression;
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return 'import()';
  if (!ts.isPropertyAccessExpression(callee) || node.arguments.length > 0) return null;
  return callee.name.text === 'sort' || callee.name.text === 'toSorted' ? `${callee.name.text}()` : null;
}

function elementComplaint(node: ts.ElementAccessExpression): string | null {
  const owner = ts.isIdentifier(node.expression) ? node.expression.text : '';
  return owner === 'Math' || owner === 'JSON' ? `${owner}[…]` : null;
}

function complaintAbout(node: ts.Node): string | null {
  if (ts.isIdentifier(node)) return bannedNames.has(node.text) && isFreeName(node) ? node.text : null;
  if (ts.isPropertyAccessExpression(node)) return memberComplaint(node);
  if (ts.isElementAccessExpression(node)) return elementComplaint(node);
  if (ts.isCallExpression(node)) return callComplaint(node);
  if (ts.isForInStatement(node)) return 'for…in';
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken) {
    const isExact = ts.isNumericLiteral(node.left) && node.left.text === '2';
    return isExact || ts.isBigIntLiteral(node.left) || ts.isBigIntLiteral(node.right) ? null : '**';
  }
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  return node.kind === ts.SyntaxKind.AwaitExpression ? 'await' : null;
}

export function purityViolations(file: string, text: string): string[] {
  const violations: string[] = [];
  visit(parse(file, text), (node) => {
    const complaint = complaintAbout(node);
    if (complaint !== null) violations.push(`${file}:${lineOf(node)}: ${complaint}`);
  });
  return violations;
}
