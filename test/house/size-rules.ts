/** Measures files and functions in lines. */
import ts from 'typescript';
import { lineOf, parse, visit } from './syntax.js';

export const functionLinesMax = 70;
export const fileLinesMax = (file: string): number => (file.startsWith('src/crypto/') ? 600 : 400);

export function sizeViolations(file: string, text: string): string[] {
  const violations: string[] = [];
  const lines = text.trimEnd().split('\n').length;
  if (lines > fileLinesMax(file)) violations.push(`${file}: ${lines} lines, at most ${fileLinesMax(file)}`);
  const source = parse(file, text);
  visit(source, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const first = lineOf(node);
    const count = source.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - first;
    if (count > functionLinesMax) {
      violations.push(`${file}:${first}: a function of ${count} lines, at most ${functionLinesMax}`);
    }
  });
  return violations;
}
