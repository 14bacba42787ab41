import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText, repository } from '../house/syntax.js';

const run = promisify(execFile);
const page = readText('docs/counter.md');
// Below the package, so that `theodora/ordering` means this package.
const directory = mkdtempSync(join(repository, 'dist', 'counter-'));
const replicas: ChildProcess[] = [];

/** The fenced blocks that are named after a file. */
const sources = new Map(
  [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map((match) => [match[1]!, match[2]!]),
);

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

beforeAll(async () => {
  for (const [name, text] of sources) writeFileSync(join(directory, name), text);
  const hosts = (await freePorts(4)).map((port) => `127.0.0.1:${port}`).join();
  const theodora = join(repository, 'dist/cli/main.js');
  await run(process.execPath, [theodora, 'init', '--replicas', '4', '--hosts', hosts, '--out', 'cluster'], {
    cwd: directory,
  });
});

afterAll(async () => {
  for (const replica of replicas) replica.kill('SIGKILL');
  await Promise.all(
    replicas.map((replica) => replica.exitCode ?? replica.signalCode ?? once(replica, 'exit')),
  );
  rmSync(directory, { recursive: true, force: true });
});

/** Compiles, as a user's project would, and writes the JavaScript beside. */
function compile(names: readonly string[]): string[] {
  const program = ts.createProgram(
    names.map((name) => join(directory, name)),
    {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      noUncheckedIndexedAccess: true,
    },
  );
  const messages = ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
  program.emit();
  return messages;
}

describe('the library example of the README', () => {
  it('compiles', () => {
    const example = /^```ts\n([\s\S]*?)^```$/m.exec(readText('README.md'))![1]!;
    writeFileSync(join(directory, 'readme.ts'), example);
    expect(example).toContain('connect(');
    expect(compile(['readme.ts'])).toEqual([]);
  });
});

describe.each([
  ['leases', 'hold: true'],
  ['access', 'client.admin'],
  ['confidential-spaces', 'protect:'],
])('the example of docs/guide/%s.md', (page, part) => {
  it('compiles', () => {
    const text = readText(`docs/guide/${page}.md`);
    const example = /^```ts example\n([\s\S]*?)^```$/m.exec(text)![1]!;
    writeFileSync(join(directory, `${page}.ts`), example);
    expect(example).toContain(part);
    expect(compile([`${page}.ts`])).toEqual([]);
  });
});

describe('the counter of docs/counter.md', () => {
  it('compiles', () => {
    expect([...sources.keys()].sort()).toEqual(['client.ts', 'counter.ts', 'replica.ts']);
    expect(compile([...sources.keys()])).toEqual([]);
  });

  it('counts as the page says, also without its primary', async () => {
    for (const id of [0, 1, 2, 3]) {
      replicas.push(spawn(process.execPath, ['replica.js', String(id)], { cwd: directory, stdio: 'ignore' }));
    }
    const printed = /It prints\n\n```text\n([\s\S]*?)```/.exec(page)![1];
    const first = await run(process.execPath, ['client.js'], { cwd: directory });
    expect(first.stdout).toBe(printed);

    replicas[0]!.kill('SIGKILL');
    const second = await run(process.execPath, ['client.js'], { cwd: directory });
    expect(second.stdout).toBe('ordered: 82n\nordered: 84n\nread: 84n\n');
  });
});
