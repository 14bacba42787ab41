/** What a test file may not contain: tests left out, and waiting by the clock instead of for an event. */
import ts from 'typescript';
import { importsOf, lineOf, parse, visit } from './syntax.js';

const suites = new Set(['it', 'test', 'describe', 'suite', 'bench']);
const leavesOut = new Set(['only', 'skip', 'todo', 'skipIf', 'runIf', 'fails']);
const timers = new Set(['setTimeout', 'setInterval']);

/** `it` of `it.only`, `it.concurrent.only`, `it.each(…).only`. */
function rootName(node: ts.Expression): string {
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) return rootName(node.expression);
  return ts.isIdentifier(node) ? node.text : '';
}

function complaintAbout(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) {
    const member = node.name.text;
    return leavesOut.has(member) && suites.has(rootName(node.expression)) ? `.${member}` : null;
  }
  if (ts.isCallExpression(node)) {
    const name = rootName(node.expression);
    return timers.has(name) ? name : null;
  }
  return null;
}

export function testViolations(file: string, text: string): string[] {
  const violations: string[] = [];
  let assertions = 0;
  const source = parse(file, text);
  for (const { specifier, line } of importsOf(source)) {
    if (/^(node:)?timers(\/promises)?$/.test(specifier)) violations.push(`${file}:${line}: ${specifier}`);
  }
  visit(source, (node) => {
    const complaint = complaintAbout(node);
    if (complaint !== null) violations.push(`${file}:${lineOf(node)}: ${complaint}`);
    if (ts.isIdentifier(node) && /^(expect|assert|fc)/.test(node.text)) assertions++;
  });
  if (file.endsWith('.test.ts') && assertions === 0) violations.push(`${file}: asserts nothing`);
  return violations;
}
