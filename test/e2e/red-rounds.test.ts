/** Whatever happens to a replicated PostgreSQL database, nothing acknowledged is lost. `npm run e2e:red` does it more often. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { preparePostgres } from '../support/postgres.js';
import { RedRounds } from '../support/red-rounds.js';

const rounds = Number(process.env['THEODORA_RED_ROUNDS'] ?? 3);
const seed = Number(process.env['THEODORA_RED_SEED'] ?? Date.now() % 1_000_000);
const roundMs = 150_000;

const problem = await preparePostgres();
if (problem !== null) console.warn(`ReD with real PostgreSQL is left out: ${problem}`);

let run: RedRounds | null = null;
let isFailed = true;
beforeEach(({ skip }) => skip(problem !== null, problem ?? ''));
afterEach(async () => {
  await run?.close(isFailed);
});

describe('agents, servers, coordinators and replicas killed, suspended or cut off at random', () => {
  it(
    `lose nothing that was acknowledged, and come back (seed ${seed})`,
    async () => {
      run = new RedRounds(seed);
      await run.start();
      for (let round = 1; round <= rounds; round++) {
        const done = await run.round(round).catch((error: unknown) => {
          throw new Error(`round ${round} of seed ${seed}`, { cause: error });
        });
        console.log(JSON.stringify(done));
        expect(done.acknowledged).toBeGreaterThan(0);
      }
      isFailed = false;
    },
    60_000 + rounds * roundMs,
  );
});
