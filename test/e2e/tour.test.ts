/** What newcomers do first: `theodora demo`, and the commands of the README and the guides, word by word. */
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readText, repository } from '../house/syntax.js';
import { mainPath, Workplace } from '../support/theodora-process.js';

let work: Workplace;
beforeEach(() => {
  work = new Workplace();
});
afterEach(() => work.close());

describe('demo', () => {
  it('holds in every step and leaves nothing behind', async () => {
    const temporary = join(work.directory, 'tmp');
    mkdirSync(temporary);
    const finished = await work.spawn(process.execPath, [mainPath, 'demo', '--json'], { TMPDIR: temporary })
      .finished;
    expect(finished).toMatchObject({ status: 0, err: '' });
    const steps = finished.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(steps.map(({ name }) => name)).toEqual([
      ...['start', 'insert', 'read', 'match', 'take', 'race', 'kill', 'restart', 'agree'],
    ]);
    expect(steps.every(({ ok, shows, observed }) => ok === true && shows !== '' && observed !== '')).toBe(
      true,
    );
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('stopped by Ctrl-C leaves nothing behind either', async () => {
    const temporary = join(work.directory, 'tmp');
    mkdirSync(temporary);
    const demo = work.spawn(process.execPath, [mainPath, 'demo', '--json'], { TMPDIR: temporary });
    await demo.event({ name: 'start' });
    demo.kill('SIGINT');
    expect(await demo.finished).toMatchObject({ status: 130 });
    expect(readdirSync(temporary)).toEqual([]);
  });
});

interface Block {
  readonly commands: string;
  /** Expected output, or null. */
  readonly expected: string | null;
}

/** The fenced blocks `sh tour`, each with the `text` block that follows it before the next one. */
function tourBlocks(markdown: string): Block[] {
  const fences = [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)];
  return fences.flatMap(([, info, commands = ''], index) => {
    if (info !== 'sh tour') return [];
    const next = fences[index + 1];
    return [{ commands, expected: next?.[1] === 'text' ? next[2]! : null }];
  });
}

/** `…` stands for anything, lines included; blanks at line ends do not count. */
function loosely(expected: string): RegExp {
  const parts = expected.trim().split('…');
  return new RegExp(
    `^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[\\s\\S]*')}$`,
  );
}

/** The fenced blocks that are named after a file, such as `ts jobs.ts`. */
function namedFiles(markdown: string): Map<string, string> {
  const fences = markdown.matchAll(/^```(?:ts|js) (\S+\.\w+)\n([\s\S]*?)^```$/gm);
  return new Map([...fences].map(([, name = '', text = '']) => [name, text]));
}

/** A place where the package is installed, as after `npm ci`, without npm: its commands, its files, its imports. */
function install(): string {
  const bin = join(work.directory, 'bin');
  mkdirSync(bin);
  const commands = {
    theodora: `exec '${process.execPath}' '${mainPath}' "$@"`,
    npx: `[ "$1" = theodora ] || exit 99\nshift\nexec '${process.execPath}' '${mainPath}' "$@"`,
    node: `exec '${process.execPath}' "$@"`,
  };
  for (const [name, text] of Object.entries(commands)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  symlinkSync(join(repository, 'policy'), join(work.directory, 'policy'));
  // A project of its own, whatever lies above it.
  writeFileSync(join(work.directory, 'package.json'), '{"private":true}');
  mkdirSync(join(work.directory, 'node_modules'));
  symlinkSync(repository, join(work.directory, 'node_modules', 'theodora'));
  return bin;
}

describe.each([
  ['README.md', 8],
  ['docs/guide/access.md', 5],
  ['docs/guide/confidential-spaces.md', 3],
  ['docs/guide/policies.md', 4],
])('%s', (page, count) => {
  it('says what happens', async () => {
    const text = readText(page);
    const blocks = tourBlocks(text);
    expect(blocks.length).toBeGreaterThanOrEqual(count);
    expect(blocks.filter(({ expected }) => expected !== null).length).toBeGreaterThan(1);
    const bin = install();
    for (const [name, content] of namedFiles(text)) writeFileSync(join(work.directory, name), content);
    await work.up();
    for (const { commands, expected } of blocks) {
      const path = `${bin}:${process.env['PATH']}`;
      const finished = await work.spawn('/bin/sh', ['-e', '-c', commands], { PATH: path }).finished;
      expect(finished, commands).toMatchObject({ status: 0, err: '' });
      if (expected !== null) expect(finished.out.trim(), commands).toMatch(loosely(expected));
    }
  });
});
