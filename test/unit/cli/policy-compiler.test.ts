import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compilePolicy } from '../../../src/cli/policy-compiler.js';
import { reportedError, runHere } from './fake-terminal.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'theodora-policy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>, below = ''): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, below, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return join(folder, below, 'main.ts');
}

const head = `import { definePolicy } from 'theodora/policy';\n`;

describe('compilePolicy', () => {
  const files = {
    'main.ts': `${head}import { isShort } from './parts/short';\nimport type { RuleArguments } from 'theodora/policy';\n
type Out = RuleArguments['out'];\nexport default definePolicy({ out: (a: Out): boolean => isShort(a.tuple), rdp: true });\n`,
    'parts/short.ts': `import type { Tuple } from 'theodora/policy';\nexport const isShort = (tuple: Tuple) => tuple.length < (3 as number);\nexport class Unused {}\n`,
  };

  it('puts files together, without types and what is not used', async () => {
    const { source, rules } = await compilePolicy(write(files));
    expect(rules).toEqual(['out', 'rdp']);
    expect(source).not.toMatch(/class|RuleArguments/);
  });

  it('gives the same module wherever the files are and whatever lies around', async () => {
    const one = await compilePolicy(write(files));
    const tsconfig = {
      'tsconfig.json': '{"compilerOptions":{"target":"ES5","useDefineForClassFields":false}}',
    };
    const other = await compilePolicy(write({ ...files, ...tsconfig }, 'else/where'));
    expect(other.source).toBe(one.source);
  });

  it.each([
    [
      'a rule of the allow-list',
      `${head}\nexport default definePolicy({\n  out: ({ time }) => time < Date.now(),\n});`,
      'name',
      'main.ts:4:29: ',
    ],
    [
      'TypeScript that does not parse',
      `${head}export default definePolicy({ out: => });`,
      'syntax',
      'main.ts:2:36: ',
    ],
    [
      'a file that is not there',
      `import './missing';\n${head}export default definePolicy({});`,
      'syntax',
      'main.ts:1:8: ',
    ],
    [
      'a platform module',
      `import { readFileSync } from 'node:fs';\n${head}export default definePolicy({ out: () => readFileSync('a') === 1 });`,
      'syntax',
      'main.ts:1:',
    ],
  ])('points at %s in the user’s own file', async (_name, text, rule, place) => {
    const failure = await compilePolicy(write({ 'main.ts': text })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'POLICY_INVALID', fields: { rule } });
    expect((failure as Error).message).toContain(place);
  });

  it('says so when there is no such file', async () => {
    await expect(compilePolicy(join(folder, 'none.ts'))).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });
});

describe('theodora policy check', () => {
  it('lists rules and digest', async () => {
    const file = write({ 'main.ts': `${head}export default definePolicy({ rdp: true, out: false });` });
    const { status, out } = await runHere(['policy', 'check', file, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toEqual({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      rules: ['out', 'rdp'],
    });
  });

  it('is status 2 with place and rule for anything else', async () => {
    const file = write({
      'main.ts': `${head}export default definePolicy({ out: () => Math.random() < 1 });`,
    });
    const ran = await runHere(['policy', 'check', file, '--json']);
    expect(ran).toMatchObject({ status: 2, out: '' });
    expect(reportedError(ran)).toMatchObject({
      code: 'POLICY_INVALID',
      rule: 'name',
      line: 2,
      column: 42,
    });
  });
});
