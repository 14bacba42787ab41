import { describe, expect, it } from 'vitest';
import { purityViolations } from './purity-rules.js';
import { pureRooms } from './rooms.js';
import { readText, sourcesBelow } from './syntax.js';

const files = pureRooms.flatMap((room) => sourcesBelow(`src/${room}`));

describe('the pure rooms', () => {
  it('name no clock, entropy, locale, I/O or asynchrony', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => purityViolations(file, readText(file)))).toEqual([]);
  });
});

describe('the purity check bites', () => {
  it.each([
    ['new Date()', 'Date'],
    ['const now = Date.now;', 'Date'],
    ['const o = { Date };', 'Date'],
    ['f(process.env)', 'process'],
    ['console.log(1)', 'console'],
    ['Buffer.from(a)', 'Buffer'],
    ['setTimeout(f, 1)', 'setTimeout'],
    ['new Intl.Collator()', 'Intl'],
    ['globalThis.x', 'globalThis'],
    ['new Promise(f)', 'Promise'],
    ['Math.random()', 'Math.random'],
    ['Math.sin(1)', 'Math.sin'],
    ['Math.pow(2, x)', 'Math.pow'],
    ['Math["random"]()', 'Math[…]'],
    ['x ** y', '**'],
    ['JSON.stringify(a)', 'JSON.stringify'],
    ['a.sort()', 'sort()'],
    ['a.toSorted()', 'toSorted()'],
    ['a.localeCompare(b)', '.localeCompare'],
    ['a.toLocaleUpperCase()', '.toLocaleUpperCase'],
    ['a.normalize()', '.normalize'],
    ['for (const key in a) f(key);', 'for…in'],
    ['async function f() {}', 'async'],
    ['const f = async () => 1;', 'async'],
    ['class C { async f() {} }', 'async'],
    ['const a = await b;', 'await'],
    ['import("./a.js")', 'import()'],
  ])('%s', (text, complaint) => {
    expect(purityViolations('src/space/x.ts', text)).toContain(`src/space/x.ts:1: ${complaint}`);
  });

  it('and lets the rest pass', () => {
    const text = `
      interface A { readonly process: number; Date(): void }
      const a = { process: 1, console: 2 };
      a.process; a.Date(); Math.max(1, 2); 2n ** 64n; 2 ** 32; b.sort((x, y) => x - y);
      // Date.now() and Math.random() in a comment, 'Date' in a string
    `;
    expect(purityViolations('src/space/x.ts', text)).toEqual([]);
  });
});
