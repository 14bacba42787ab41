/** `npm run kill -- --rounds 100 --seed 7`: the kill test of test/e2e, as often as asked for. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } });
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--config', 'config/vitest.config.ts', '--project', 'e2e', 'test/e2e/kill.test.ts'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      THEODORA_KILL_ROUNDS: values.rounds ?? '100',
      ...(values.seed === undefined ? {} : { THEODORA_KILL_SEED: values.seed }),
    },
  },
);
process.exitCode = status ?? 1;
