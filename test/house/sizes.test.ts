import { describe, expect, it } from 'vitest';
import { functionLinesMax, sizeViolations } from './size-rules.js';
import { readText, sourcesBelow } from './syntax.js';

const statements = (count: number): string => 'a();\n'.repeat(count);

describe('sizes in src', () => {
  it('keep files and functions within bounds', () => {
    expect(sourcesBelow('src').flatMap((file) => sizeViolations(file, readText(file)))).toEqual([]);
  });
});

describe('the size check bites', () => {
  it('on long files, with more room in crypto', () => {
    expect(sizeViolations('src/space/x.ts', statements(400))).toEqual([]);
    expect(sizeViolations('src/space/x.ts', statements(401))).toHaveLength(1);
    expect(sizeViolations('src/crypto/x.ts', statements(600))).toEqual([]);
    expect(sizeViolations('src/crypto/x.ts', statements(601))).toHaveLength(1);
  });

  it.each([
    ['function', 'function f() {\n', '}'],
    ['arrow function', 'const f = () => {\n', '};'],
    ['method', 'class C { f() {\n', '}\n}'],
    ['accessor', 'class C { get f() {\n', '}\n}'],
  ])('on a long %s', (_kind, head, tail) => {
    const text = (count: number): string => head + statements(count) + tail;
    expect(sizeViolations('src/space/x.ts', text(functionLinesMax - 2))).toEqual([]);
    expect(sizeViolations('src/space/x.ts', text(functionLinesMax - 1))).toHaveLength(1);
  });
});
