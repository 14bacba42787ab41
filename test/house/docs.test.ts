import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { filesBelow, parse, readText, repository, sourcesBelow, visit } from './syntax.js';

const notCodes = new Set([
  'LEVEL_LOCKED',
  'NODE_OPTIONS',
  'NO_COLOR',
  'QUOTE_DOUBLE',
  'THEODORA_CLUSTER',
  'THEODORA_IDENTITY',
]);
const pages = ['README.md', 'CHANGELOG.md', 'bench/README.md', ...filesBelow('docs')].filter((file) =>
  file.endsWith('.md'),
);

/** Literals that look like codes of errors, notices, drops or evidence. */
function codesIn(file: string): string[] {
  const codes: string[] = [];
  visit(parse(file, readText(file)), (node) => {
    if (!ts.isStringLiteral(node) || !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(node.text)) return;
    if (!notCodes.has(node.text)) codes.push(node.text);
  });
  return codes;
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(text: string): Set<string> {
  const headings = text.match(/^#{1,6} .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks(page: string): string[] {
  const links = [...readText(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : posix.join(posix.dirname(page), path);
    if (!existsSync(join(repository, target))) return true;
    return anchor !== undefined && !anchorsOf(readText(target)).has(anchor);
  });
}

describe('documentation', () => {
  it('explains every code that users can meet', () => {
    const page = readText('docs/operations.md');
    const codes = new Set(sourcesBelow('src').flatMap(codesIn));
    expect(codes.size).toBeGreaterThan(0);
    expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });

  it.each(pages)('%s has no broken link', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });
});
