/** What is acknowledged survives `kill -9` of all replicas at once. `npm run kill` does it more often. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/client/index.js';
import { Ledger } from '../support/kill-ledger.js';
import { KillRounds } from '../support/kill-rounds.js';

const rounds = Number(process.env['THEODORA_KILL_ROUNDS'] ?? 4);
const seed = Number(process.env['THEODORA_KILL_SEED'] ?? Date.now() % 1_000_000);
const roundMs = 60_000;

let run: KillRounds | null = null;
let isFailed = true;
afterEach(async () => {
  await run?.close(isFailed);
  run = null;
});

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

describe('the ledger bites', () => {
  const entry = (id: number, ...tuple: readonly (string | number)[]): Entry => {
    return { id: BigInt(id), tuple: tuple as Entry['tuple'], owner: 'admin' };
  };
  let ledger: Ledger;
  beforeEach(() => {
    ledger = new Ledger();
    ledger.outEnded('own', 0, 'done', entry(1, 'own', 0));
    ledger.outEnded('pool', 1, 'done', entry(2, 'pool', 1));
    ledger.claimBegan(7, 'a');
    ledger.claimEnded(7, 'a', 'done', { inserted: true, entry: entry(3, 'once', 7, 'a') });
  });
  const items = (...more: readonly Entry[]): (() => void) => {
    return () => ledger.checkItems([entry(1, 'own', 0), entry(2, 'pool', 1), ...more]);
  };

  it('on what is missing, but not if its take may have happened', () => {
    expect(items()).not.toThrow();
    expect(() => ledger.checkItems([entry(2, 'pool', 1)])).toThrow('own 0, acknowledged as 1, is missing');
    expect(() => ledger.checkItems([entry(1, 'own', 0)])).toThrow('1 of the pool are missing');
    expect(() => ledger.checkOnces([])).toThrow('cas 7, won by a, is missing');
    ledger.ownTakeEnded(0, 'unknown', null);
    ledger.poolTakeEnded('unknown', null);
    expect(() => ledger.checkItems([])).not.toThrow();
    ledger.outEnded('pool', 2, 'done', entry(4, 'pool', 2));
    expect(() => ledger.checkItems([])).toThrow('2 of the pool are missing, with 1 takes unknown');
  });

  it('on what is there twice, again, or without reason', () => {
    expect(items(entry(9, 'own', 0))).toThrow('own 0 is there twice');
    expect(items(entry(9, 'own', 5))).toThrow('nobody has inserted it');
    ledger.outEnded('own', 3, 'unknown', null);
    expect(items(entry(9, 'own', 3))).not.toThrow();
    expect(items()).toThrow('own 3, acknowledged as 9, is missing');
    ledger.outEnded('own', 4, 'failed', null);
    expect(items(entry(9, 'own', 3), entry(10, 'own', 4))).toThrow('its out certainly not executed');
    ledger.ownTakeEnded(0, 'done', entry(1, 'own', 0));
    expect(items()).toThrow('own 0 is there although it was taken');
    expect(() => ledger.checkItems([entry(8, 'own', 0)])).toThrow('own 0');
    ledger.poolTakeEnded('done', entry(2, 'pool', 1));
    expect(() => ledger.poolTakeEnded('done', entry(2, 'pool', 1))).toThrow('pool 1 was taken twice');
  });

  it('on answers that contradict each other', () => {
    expect(() => ledger.ownTakeEnded(0, 'done', null)).toThrow('was not found by its only taker');
    ledger.claimBegan(7, 'b');
    const second = { inserted: true, entry: entry(4, 'once', 7, 'b') } as const;
    expect(() => ledger.claimEnded(7, 'b', 'done', second)).toThrow('cas 7 was won by a and b');
    expect(() => ledger.checkOnces([entry(4, 'once', 7, 'c')])).toThrow('cas 7 was won by a and c');
  });
});
