/** The recipes as programs over simulated clusters, with faults: what each promises, under many seeds. */
import { describe, expect, it } from 'vitest';
import { prng } from '../../src/base/index.js';
import { LeaseLostError, type Client, type Lease } from '../../src/client/index.js';
import { Barrier, Election, Lock, Membership, Queue } from '../../src/recipes/index.js';
import { SimulatedCluster } from '../../src/sim/index.js';

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
const lease = 3_000;

/** Pauses, restarts and cut links at random, at most f replicas at a time. */
const storm = (seed: number): Parameters<SimulatedCluster['disturb']>[0] => ({
  kinds: seed % 3 === 0 ? [] : ['pause', 'crash', 'partition', 'cut', 'storm', 'break-streams'],
  losesLogs: false,
  intervalUsMin: 200_000,
  intervalUsMax: 2_000_000,
  durationUsMin: 100_000,
  durationUsMax: 1_500_000,
  storm: {
    delayUsMin: 1_000,
    delayUsMax: 50_000,
    lossPer10k: 300,
    duplicatePer10k: 300,
    reorderPer10k: 300,
    reorderUsMax: 50_000,
  },
});

const newCluster = (seed: number): SimulatedCluster =>
  new SimulatedCluster({ seed, clients: ['a', 'b', 'c', 'p', 'w', 'sleeper'] });

const spaceOf = (cluster: SimulatedCluster, name: string): ReturnType<Client['space']> =>
  cluster.client(name).space('default');

const isOutage = (error: unknown): boolean =>
  error instanceof LeaseLostError || /UNKNOWN|UNAVAILABLE/.test((error as { code?: string }).code ?? '');

/** Runs the program until it says something else than that the service was out of reach. */
async function persist<T>(program: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await program();
    } catch (error) {
      if (!isOutage(error)) throw error;
    }
  }
}

describe.each(seeds)('with seed %i', (seed) => {
  it('a lock has one holder at a time, in the order of asking, with growing tokens', async () => {
    const cluster = newCluster(seed);
    const random = prng(seed).stream('lock test');
    const holders = new Map<string, Lease>();
    const tokens: bigint[] = [];
    let rounds = 0;
    const sleeper = spaceOf(cluster, 'sleeper');
    const contender = async (name: string): Promise<void> => {
      const lock = new Lock(spaceOf(cluster, name), 'l', { lease });
      while (rounds < 12) {
        const held = await persist(() => lock.acquire());
        expect(held).not.toBe(null);
        rounds++;
        holders.set(name, held!);
        tokens.push(held!.fencingToken);
        for (const [other, theirs] of holders)
          if (other !== name) expect(theirs.isHeld(), `${name} and ${other}`).toBe(false);
        await persist(() => sleeper.rd(['nothing', name], { timeout: random.between(10, 800) }));
        holders.delete(name);
        await held!.release().catch((error: unknown) => expect(isOutage(error)).toBe(true));
      }
    };
    cluster.disturb(storm(seed));
    await cluster.run(Promise.all(['a', 'b', 'c'].map(contender)));
    expect(tokens).toEqual(tokens.toSorted((one, other) => (one < other ? -1 : 1)));
    expect(new Set(tokens).size).toBe(tokens.length);
    await cluster.finish();
  });

  it('a holder that is stopped loses the lock before another gets it, and knows it when it goes on', async () => {
    const cluster = newCluster(seed);
    const first = await cluster.run(new Lock(spaceOf(cluster, 'a'), 'l', { lease }).acquire());
    const second = new Lock(spaceOf(cluster, 'b'), 'l', { lease }).acquire();
    await cluster.advance(1_000);
    cluster.stop('a');
    const next = await cluster.run(second);
    expect(next!.fencingToken).toBeGreaterThan(first!.fencingToken);
    cluster.continue('a');
    expect(first!.isHeld()).toBe(false);
    expect(first!.lost.aborted).toBe(true);
    expect(() => first!.check()).toThrow(LeaseLostError);
    expect(next!.isHeld()).toBe(true);
    await cluster.run(next!.release());
    await cluster.finish();
  });

  it('a place in the queue is given up with the signal, and the next one moves up', async () => {
    const cluster = newCluster(seed);
    const lock = (name: string): Lock => new Lock(spaceOf(cluster, name), 'l', { lease });
    const held = await cluster.run(lock('a').acquire());
    const abort = new AbortController();
    const second = lock('b').acquire({ signal: abort.signal });
    second.catch(() => undefined);
    await cluster.advance(500);
    const third = lock('c').acquire();
    await cluster.advance(500);
    abort.abort(new Error('enough'));
    await expect(cluster.run(second)).rejects.toThrow('enough');
    await cluster.run(held!.release());
    const next = await cluster.run(third);
    expect(await cluster.run(lock('a').holder())).toEqual({ owner: 'c', fencingToken: next!.fencingToken });
    await cluster.finish();
  });

  it('an election has a leader again after the death of one, and everybody is told', async () => {
    const cluster = newCluster(seed);
    const election = (name: string): Election => new Election(spaceOf(cluster, name), 'e', { lease });
    const seen: unknown[] = [];
    const abort = new AbortController();
    const watching = (async (): Promise<void> => {
      for await (const leader of election('w').observe({ signal: abort.signal }))
        seen.push(leader?.value ?? null);
    })();
    watching.catch(() => undefined);
    await cluster.advance(1_000);
    const first = await cluster.run(election('a').campaign('host-a'));
    const others = [election('b').campaign('host-b'), election('c').campaign('host-c')];
    await cluster.advance(1_000);
    expect(await cluster.run(election('w').leader())).toMatchObject({ value: 'host-a', owner: 'a' });
    cluster.kill('a');
    const second = await cluster.run(Promise.race(others));
    expect(second!.fencingToken).toBeGreaterThan(first!.fencingToken);
    await cluster.advance(1_000);
    const leader = await cluster.run(election('w').leader());
    expect(leader!.fencingToken).toBe(second!.fencingToken);
    expect(seen.filter((value) => value !== null)).toEqual(['host-a', leader!.value]);
    abort.abort(new Error('enough'));
    await expect(cluster.run(watching)).rejects.toThrow('enough');
    await cluster.finish();
  });

  it('a barrier lets nobody through before all are there, and out before all have left', async () => {
    const cluster = newCluster(seed);
    const parties = ['a', 'b', 'c'];
    let inside = 0;
    let left = 0;
    const party = async (name: string, index: number): Promise<void> => {
      const barrier = new Barrier(spaceOf(cluster, name), 'b', parties.length, { lease });
      await spaceOf(cluster, name).rd(['nothing'], { timeout: 1 + index * 700 });
      inside++;
      const presence = await barrier.enter();
      expect(inside).toBe(parties.length);
      left++;
      await barrier.leave(presence);
      expect(left).toBe(parties.length);
    };
    await cluster.run(Promise.all(parties.map(party)));
    await cluster.finish();
  });

  it('a queue gives every item to exactly one taker, in order', async () => {
    const cluster = newCluster(seed);
    const taken: number[] = [];
    let lost = 0;
    const taker = async (name: string): Promise<void> => {
      const queue = new Queue(spaceOf(cluster, name), 'q');
      for (;;) {
        const item = await queue.take({ timeout: 8_000 }).catch((error: unknown) => {
          expect(isOutage(error)).toBe(true);
          lost++;
          return undefined;
        });
        if (item === null) return;
        if (item !== undefined) taken.push(item.value as number);
      }
    };
    const putter = async (): Promise<void> => {
      const queue = new Queue(spaceOf(cluster, 'p'), 'q');
      for (let value = 0; value < 40; value++) await queue.put(value);
    };
    cluster.disturb(storm(seed));
    await cluster.run(Promise.all([putter(), taker('a'), taker('b')]));
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken.length).toBeGreaterThanOrEqual(40 - lost);
    expect(await cluster.run(persist(() => new Queue(spaceOf(cluster, 'p'), 'q').size()))).toBe(0);
    await cluster.finish();
  });

  it('a membership shows who is alive, and tells of every change', async () => {
    const cluster = newCluster(seed);
    const membership = (name: string): Membership => new Membership(spaceOf(cluster, name), 'm', { lease });
    await cluster.run(membership('a').join('host-a'));
    const changes: string[] = [];
    const abort = new AbortController();
    const watching = (async (): Promise<void> => {
      for await (const { kind, member, members } of membership('w').watch({ signal: abort.signal }))
        changes.push(`${member.owner} ${kind}, ${members.map(({ owner }) => owner).join('')}`);
    })();
    watching.catch(() => undefined);
    await cluster.advance(1_000);
    const presence = await cluster.run(membership('b').join('host-b'));
    await cluster.run(membership('c').join('host-c'));
    cluster.kill('a');
    await cluster.advance(lease + 2_000);
    await cluster.run(presence.release());
    await cluster.advance(1_000);
    expect((await cluster.run(membership('w').members())).map(({ value }) => value)).toEqual(['host-c']);
    expect(changes).toEqual(['a joined, a', 'b joined, ab', 'c joined, abc', 'a left, bc', 'b left, c']);
    abort.abort(new Error('enough'));
    await expect(cluster.run(watching)).rejects.toThrow('enough');
    await cluster.finish();
  });
});

it('names are checked', () => {
  const cluster = newCluster(1);
  const space = spaceOf(cluster, 'a');
  for (const name of ['', 'x'.repeat(257), 7 as never]) {
    for (const make of [Lock, Election, Queue, Membership])
      expect(() => new make(space, name)).toThrow(expect.objectContaining({ code: 'RECIPE_NAME_INVALID' }));
    expect(() => new Barrier(space, name, 2)).toThrow(
      expect.objectContaining({ code: 'RECIPE_NAME_INVALID' }),
    );
  }
});
