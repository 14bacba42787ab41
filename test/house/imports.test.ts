import { describe, expect, it } from 'vitest';
import { findCycles, importViolations } from './import-rules.js';
import { rooms } from './rooms.js';
import { readText, sourcesBelow } from './syntax.js';

const sources = new Map(sourcesBelow('src').map((file) => [file, readText(file)]));

describe('imports of src', () => {
  it('follow the table of rooms', () => {
    expect(sources.size).toBeGreaterThan(0);
    expect([...sources].flatMap(([file, text]) => importViolations(file, text))).toEqual([]);
  });

  it('form no cycle between files', () => {
    expect(findCycles(sources)).toEqual([]);
  });

  it('form no cycle between rooms', () => {
    const placed = new Set<string>();
    let isPlacing = true;
    while (isPlacing) {
      isPlacing = false;
      for (const [name, room] of Object.entries(rooms)) {
        if (
          placed.has(name) ||
          ![...room.imports, ...(room.types ?? [])].every((other) => placed.has(other))
        ) {
          continue;
        }
        placed.add(name);
        isPlacing = true;
      }
    }
    expect([...placed].sort()).toEqual(Object.keys(rooms).sort());
  });
});

describe('the import check bites', () => {
  const bad: readonly (readonly [string, string, string])[] = [
    ['src/base/x.ts', `import { a } from '../codec/index.js';`, 'base may not import codec'],
    ['src/ordering/x.ts', `export * from '../space/index.js';`, 'ordering may not import space'],
    ['src/ordering/x.ts', `import type { A } from '../service/index.js';`, 'ordering may not import service'],
    ['src/service/x.ts', `import { a } from '../ordering/index.js';`, 'service may not import ordering'],
    ['src/client/x.ts', `import { a } from '../space/index.js';`, 'only types of space'],
    ['src/client/x.ts', `import type { A } from '../ordering/index.js';`, 'client may not import ordering'],
    ['src/service/x.ts', `import { a } from '../space/match.js';`, 'goes past the door of space'],
    ['src/space/x/y.ts', `type A = import('../../base/ids.js').Digest;`, 'goes past the door of base'],
    ['src/space/x.ts', `import { readFileSync } from 'node:fs';`, 'may not use the package "node:fs"'],
    ['src/space/x.ts', `import { readFileSync } from 'fs';`, 'may not use the package "fs"'],
    ['src/replica/x.ts', `import { a } from 'commander';`, 'may not use the package "commander"'],
    ['src/cli/x.ts', `const a = await import('classic-level');`, 'may not use the package "classic-level"'],
    ['src/client/x.ts', `import { a } from '../base/index';`, 'does not end in .js'],
    ['src/client/x.ts', `import { a } from '../../test/a.js';`, 'leaves src'],
    ['src/attic/x.ts', ``, 'no room of the house'],
  ];

  it.each(bad)('%s: %s', (file, text, complaint) => {
    expect(importViolations(file, text)).toEqual([expect.stringContaining(complaint)]);
  });

  it('and lets the rest pass', () => {
    const text = `import type { A } from '../space/index.js'; import { b } from './b.js'; import 'node:fs';`;
    expect(importViolations('src/client/x.ts', text)).toEqual([]);
  });

  it('on cycles', () => {
    const ring = new Map([
      ['src/base/a.ts', `import './b.js';`],
      ['src/base/b.ts', `export type { C } from './c.js';`],
      ['src/base/c.ts', `import type { A } from './a.js';`],
      ['src/base/d.ts', `import './a.js';`],
    ]);
    expect(findCycles(ring)).toEqual(['src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts']);
  });
});
