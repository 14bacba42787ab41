/** What broke in the predecessors, each excluded by a test whose title says its number. */
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { filesBelow, parse, readText, visit } from './syntax.js';

const last = 42;

/** The first argument of `it`, `test` and `describe`, with `.each` and the like or without. */
function titlesIn(file: string): string[] {
  const titles: string[] = [];
  visit(parse(file, readText(file)), (node) => {
    if (!ts.isCallExpression(node)) return;
    const [title] = node.arguments;
    if (title === undefined || !isTestCall(node.expression)) return;
    if (ts.isStringLiteralLike(title)) titles.push(title.text);
    // What is filled in is no number that somebody wrote down.
    if (ts.isTemplateExpression(title)) titles.push(title.head.text);
  });
  return titles;
}

function isTestCall(called: ts.Expression): boolean {
  if (ts.isIdentifier(called)) return ['it', 'test', 'describe'].includes(called.text);
  if (ts.isCallExpression(called) || ts.isPropertyAccessExpression(called))
    return isTestCall(called.expression);
  return false;
}

/** `pitfall 3`, `pitfalls 13 and 19`, `pitfalls 27, 28 and 30`, `pitfalls 27–29`. */
export function pitfallsIn(title: string): number[] {
  const lists = [...title.matchAll(/pitfalls? (\d+(?:(?:, | and |, and |[-–])\d+)*)/gi)];
  return lists.flatMap(([, list = '']) =>
    list.split(/, and | and |, /).flatMap((part) => {
      const [from = 0, to = from] = part.split(/[-–]/).map(Number);
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    }),
  );
}

describe('pitfalls', () => {
  it('are read out of titles', () => {
    expect(pitfallsIn('a replica lives on (pitfall 7), and so on')).toEqual([7]);
    expect(pitfallsIn('Pitfalls 13 and 19: late outcomes')).toEqual([13, 19]);
    expect(pitfallsIn('pitfalls 1, 2, and 4; 5 more')).toEqual([1, 2, 4]);
    expect(pitfallsIn('pitfalls 27–29, 31')).toEqual([27, 28, 29, 31]);
    expect(pitfallsIn('no pitfall at all')).toEqual([]);
  });

  it('are each named by a test', () => {
    const files = filesBelow('test').filter((file) => file.endsWith('.test.ts'));
    const outside = files.filter((file) => file !== 'test/house/pitfalls.test.ts');
    const named = new Set(outside.flatMap(titlesIn).flatMap(pitfallsIn));
    const all = Array.from({ length: last }, (_, index) => index + 1);
    expect(all.filter((number) => !named.has(number))).toEqual([]);
    expect([...named].filter((number) => !all.includes(number))).toEqual([]);
  });
});
