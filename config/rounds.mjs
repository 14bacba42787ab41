/** Runs an end-to-end test of so many rounds, `--rounds N --seed N`, as often as asked for. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** The test reads `THEODORA_<NAME>_ROUNDS` and `THEODORA_<NAME>_SEED`. */
export function runRounds(test, name, defaultRounds) {
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } });
  const { status } = spawnSync(
    'npx',
    ['vitest', 'run', '--config', 'config/vitest.config.ts', '--project', 'e2e', test],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: 'inherit',
      env: {
        ...process.env,
        [`THEODORA_${name}_ROUNDS`]: values.rounds ?? defaultRounds,
        ...(values.seed === undefined ? {} : { [`THEODORA_${name}_SEED`]: values.seed }),
      },
    },
  );
  process.exitCode = status ?? 1;
}
