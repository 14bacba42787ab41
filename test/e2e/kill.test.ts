/** What is acknowledged survives `kill -9` of all replicas at once. `npm run kill` does it more often. */
import { afterEach, describe, expect, it } from 'vitest';
import { KillRounds } from '../support/kill-rounds.js';

const rounds = Number(process.env['THEODORA_KILL_ROUNDS'] ?? 4);
const seed = Number(process.env['THEODORA_KILL_SEED'] ?? Date.now() % 1_000_000);
const roundMs = 60_000;

let run: KillRounds | null = null;
let isFailed = true;
afterEach(() => run?.close(isFailed));

describe('all replicas killed at the same instant under load', () => {
  it(
    `lose nothing, repeat nothing and agree (seed ${seed})`,
    async () => {
      run = new KillRounds(seed);
      await run.start();
      for (let round = 1; round <= rounds; round++) {
        const done = await run.round(round).catch((error: unknown) => {
          throw new Error(`round ${round} of seed ${seed}`, { cause: error });
        });
        console.log(JSON.stringify(done));
        expect(done.acknowledged).toBeGreaterThanOrEqual(done.killedAfter);
      }
      isFailed = false;
    },
    60_000 + rounds * roundMs,
  );
});
