/** `npm run e2e:red -- --rounds 50 --seed 7`: a replicated PostgreSQL database under random harm, as often as asked for. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } });
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--config', 'config/vitest.config.ts', '--project', 'e2e', 'test/e2e/red-rounds.test.ts'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      THEODORA_RED_ROUNDS: values.rounds ?? '50',
      ...(values.seed === undefined ? {} : { THEODORA_RED_SEED: values.seed }),
    },
  },
);
process.exitCode = status ?? 1;
