/** The snippets of docs/guide/policies.md do what the page says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as testing from '../../../src/cli/policy-testing.js';
import { any } from '../../../src/codec/index.js';

const page = readFileSync(new URL('../../../docs/guide/policies.md', import.meta.url), 'utf8');
const snippet = (head: string): string => page.split(`\`\`\`${head}\n`)[1]?.split('```')[0] ?? '';

it('the policy of the guide is accepted and decides as it reads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'theodora-guide-'));
  try {
    const file = join(folder, 'policy.ts');
    writeFileSync(file, snippet('ts jobs.ts'));
    const trial = new testing.Trial(await testing.loadPolicyFile(file));
    const cas = { operation: 'cas', tuple: ['leader', 'alice'], lease: 5_000 } as const;
    expect(trial.allows('alice', { operation: 'out', tuple: ['job', 1, 'alice'] })).toBe(true);
    expect(trial.allows('alice', { operation: 'out', tuple: ['job', 1, 'bob'] })).toBe(false);
    expect(trial.allows('alice', { ...cas, template: ['leader', any] })).toBe(true);
    expect(trial.allows('alice', { ...cas, template: ['nobody'] })).toBe(false);
    expect(trial.allows('bob', { operation: 'inp', template: [any, any] })).toBe(true);
    expect(trial.allows('bob', { operation: 'count', template: [any] })).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('the tests of the guide run', async () => {
  const text = snippet('ts testing');
  const [, names = ''] = /^import \{ (.*) \} from 'theodora\/policy\/testing';$/m.exec(text) ?? [];
  const body = text
    .replace(/^import .*$/m, '')
    .replace(/^trial\.allows\((.*)\); \/\/ (true|false)$/gm, 'seen.push([trial.allows($1), $2]);');
  const seen: (readonly [boolean, boolean])[] = [];
  const AsyncFunction = (async () => undefined).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  const offered = testing as unknown as Readonly<Record<string, unknown>>;
  const parts = names.split(', ');
  await new AsyncFunction('seen', ...parts, body)(seen, ...parts.map((name) => offered[name]));
  expect(seen).toEqual([
    [true, true],
    [false, false],
  ]);
});
