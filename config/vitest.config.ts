/**
 * One vitest project a kind of test. Files of one group run in parallel; end-to-end tests come after the
 * rest, since they start processes of their own and share the processors with nobody.
 */
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Kind {
  readonly name: string;
  readonly folders: readonly string[];
  readonly timeoutMs: number;
  /** Groups run one after the other, in ascending order. */
  readonly group: number;
  /** Starts processes or sockets: one file at a time. */
  readonly isAlone?: boolean;
  readonly needsBuild?: boolean;
}

const kinds: readonly Kind[] = [
  { name: 'house', folders: ['house'], timeoutMs: 60_000, group: 0 },
  { name: 'unit', folders: ['unit'], timeoutMs: 60_000, group: 0 },
  { name: 'paper', folders: ['paper'], timeoutMs: 60_000, group: 0 },
  { name: 'attack', folders: ['attack'], timeoutMs: 60_000, group: 0 },
  { name: 'contract', folders: ['contract'], timeoutMs: 60_000, group: 0 },
  { name: 'sim', folders: ['scenarios', 'sim'], timeoutMs: 240_000, group: 1 },
  { name: 'integration', folders: ['integration'], timeoutMs: 120_000, group: 2, isAlone: true },
  { name: 'e2e', folders: ['e2e'], timeoutMs: 180_000, group: 3, isAlone: true, needsBuild: true },
];

const tallyFile = process.env['THEODORA_TEST_TALLY'];

export default defineConfig({
  root: here('..'),
  test: {
    reporters: tallyFile ? ['default', [here('tally-reporter.js'), { file: tallyFile }]] : ['default'],
    projects: kinds.map((kind) => ({
      root: here('..'),
      test: {
        name: kind.name,
        include: kind.folders.map((folder) => `test/${folder}/**/*.test.ts`),
        exclude: configDefaults.exclude,
        testTimeout: kind.timeoutMs,
        hookTimeout: kind.timeoutMs,
        sequence: { groupOrder: kind.group },
        ...(kind.isAlone ? { maxWorkers: 1 } : {}),
        ...(kind.needsBuild ? { globalSetup: here('build-once.ts') } : {}),
      },
    })),
  },
});
