/** Control of real PostgreSQL servers. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PostgresServer, type ServerExit } from '../../src/red/postgres/index.js';
import { processesOf } from '../../src/red/postgres/processes.js';
import { Session } from '../../src/red/postgres/sql.js';
import {
  password,
  PostgresPlace,
  preparePostgres,
  processWith,
  type TestServer,
} from '../support/postgres.js';

const problem = await preparePostgres();
if (problem !== null) console.warn(`Tests of PostgreSQL servers are left out: ${problem}`);
const place = problem === null ? new PostgresPlace() : null;

beforeEach(({ skip }) => skip(problem !== null, problem ?? ''));
afterAll(async () => {
  await place?.close();
});

const setting = async (server: TestServer, name: string): Promise<unknown> =>
  (await server.run('SELECT current_setting($1) AS value', [name]))[0]!['value'];

describe('the first server', () => {
  let a: TestServer;

  it('starts as copier of nobody and is promoted', async () => {
    a = await place!.open('a', { changeTimeoutMs: 3_000 });
    expect(await a.server.hasData()).toBe(false);
    await expect(a.server.startAsCopier(null)).rejects.toMatchObject({ code: 'POSTGRES_DATA_MISSING' });
    await a.server.initialise();
    await expect(a.server.initialise()).rejects.toMatchObject({ code: 'POSTGRES_DATA_PRESENT' });
    await a.server.startAsCopier(null);
    expect(await a.server.isInRecovery()).toBe(true);
    expect(await setting(a, 'synchronous_standby_names')).toBe('FIRST 1 ("red-nobody")');
    await expect(a.server.cloneFrom(a.address)).rejects.toMatchObject({ code: 'POSTGRES_RUNNING' });

    await a.server.promote(42n, []);
    expect(await a.server.isInRecovery()).toBe(false);
    expect(await setting(a, 'red.token')).toBe('42');
    expect(await setting(a, 'data_checksums')).toBe('on');
    expect(await setting(a, 'server_encoding')).toBe('UTF8');
    await expect(a.server.promote(43n, [])).rejects.toMatchObject({ code: 'POSTGRES_NOT_COPIER' });
    await a.run('CREATE TABLE items (name text PRIMARY KEY)');
  });

  it('lets the replicating role in by TCP with its password, and the superuser only by the socket', async () => {
    const { host, port } = a.address;
    const tcp = { host, port, database: 'postgres' };
    const session = await Session.open({ ...tcp, user: 'red_replication', password });
    expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    session.close();
    const refused = { code: 'POSTGRES_QUERY_FAILED', fields: { sqlState: '28P01' } };
    await expect(
      Session.open({ ...tcp, user: 'red_replication', password: 'another' }),
    ).rejects.toMatchObject(refused);
    await expect(Session.open({ ...tcp, user: 'postgres', password })).rejects.toMatchObject({
      fields: { sqlState: '28000' },
    });
    await expect(
      Session.open({ ...tcp, user: 'red_replication', password, database: 'red' }),
    ).rejects.toMatchObject({ fields: { sqlState: '28000' } });
    expect(statSync(a.server.socketDirectory).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(a.options.directory, 'postgres.log'), 'utf8')).not.toContain(password);
  });

  it('keeps the password off every command line', () => {
    expect(processWith(password)).toBeNull();
  });

  it('is told of with its log when it does not take a setting', async () => {
    await a.run(`ALTER SYSTEM SET primary_slot_name = 'another'`);
    const failure = await a.server.setSynchronous([]).catch((error: unknown) => error);
    await a.run('ALTER SYSTEM RESET primary_slot_name');
    expect(failure).toMatchObject({
      code: 'POSTGRES_SETTING_REFUSED',
      fields: { settings: ['primary_slot_name'], log: expect.stringContaining('primary_slot_name') },
    });
    await a.server.setSynchronous([]);
    await a.insert('after');
  });

  it('ends wholly at a stop, and says so', async () => {
    await a.server.stopNow();
    expect(await processesOf(a.dataDir)).toEqual([]);
    const exits: ServerExit[] = [];
    await a.server.startAsCopier(null, (exit) => exits.push(exit));
    expect(await a.rows()).toEqual(['after']);
    expect(await setting(a, 'red.token')).toBe('');
    for (const pid of await processesOf(a.dataDir)) process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => exits.length > 0);
    expect(exits).toEqual([{ status: null, signal: 'SIGKILL', isAsked: false, isSilent: false }]);
    expect(a.server.isRunning).toBe(false);
  });

  it('is killed within its time even if all of it is suspended', async () => {
    await a.server.startAsCopier(null);
    const pids = await processesOf(a.dataDir);
    expect(pids.length).toBeGreaterThan(3);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const startedMs = performance.now();
    await a.server.stopNow();
    const tookMs = performance.now() - startedMs;
    expect(await processesOf(a.dataDir)).toEqual([]);
    expect(tookMs).toBeGreaterThanOrEqual(500);
    console.log(`suspended server: stopped after ${Math.round(tookMs)} ms`);
  });

  it('stays stopped if that is said while it starts', async () => {
    // At once, and when there is something of it.
    for (const isUnderWay of [() => true, async () => (await processesOf(a.dataDir)).length > 0]) {
      const calls = [a.server.startAsCopier(null), a.server.promote(50n, []), a.server.setSynchronous([])];
      const ended = Promise.allSettled(calls);
      await vi.waitUntil(isUnderWay, { interval: 1 });
      await a.server.stopNow();
      for (const call of await ended) {
        expect(call).toMatchObject({ status: 'rejected', reason: { code: 'POSTGRES_STOPPED' } });
      }
      expect(await processesOf(a.dataDir)).toEqual([]);
    }
  });

  it('is stopped when an earlier agent has left it behind', async () => {
    await a.server.startAsCopier(null);
    const left = await processesOf(a.dataDir);
    expect(left).not.toEqual([]);
    await expect(PostgresServer.open(a.options)).rejects.toMatchObject({ code: 'POSTGRES_DIRECTORY_IN_USE' });
    // Others of its processes come and go.
    expect(await processesOf(a.dataDir)).toContain(Math.min(...left));
    // As if the agent had been killed.
    process.kill(-processWith('flock', a.options.directory)!, 'SIGKILL');
    const next = await PostgresServer.open(a.options);
    expect(await processesOf(a.dataDir)).toEqual([]);
    await next.startAsCopier(null);
    await next.close();
    expect(await processesOf(a.dataDir)).toEqual([]);
  });

  it('that cannot start says why', async () => {
    const other = await place!.openWriter('other');
    const b = await place!.open('b', { listen: other.address });
    await b.server.initialise();
    const failure = await b.server.startAsCopier(null).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'POSTGRES_START_FAILED',
      fields: { log: expect.stringContaining('Address already in use'), remedy: expect.any(String) },
    });
    await other.server.stop();
  });
});

describe('a writer and its copiers', () => {
  let a: TestServer;
  let b: TestServer;
  let c: TestServer;
  const hostile = `C"'\\é,*\n) $`;

  it('stream', async () => {
    a = await place!.openWriter('a', 7n);
    b = await place!.openCopier('b', a);
    await a.insert('1');
    await b.untilRows(['1']);
    const lsn = await a.server.currentLsn();
    await a.server.waitForStandby('b', lsn, 20_000);
    expect(await b.server.currentLsn()).toBeGreaterThanOrEqual(lsn);
    expect(await a.server.standbys()).toMatchObject([{ id: 'b', state: 'streaming', isSynchronous: false }]);
    await vi.waitUntil(async () => (await b.server.lagBytes()) === 0);
    expect(await a.server.lagBytes()).toBeNull();
    await expect(b.insert('2')).rejects.toMatchObject({
      code: 'POSTGRES_QUERY_FAILED',
      fields: { sqlState: '25006' },
    });
  });

  it('whose id is hostile is one of them', async () => {
    c = await place!.openCopier(hostile, a, `it's, "c" \\ ü`);
    expect((await a.server.standbys()).map(({ id }) => id)).toContain(hostile);
    await a.server.setSynchronous([hostile]);
    await a.insert('2');
    expect((await a.server.standbys()).filter(({ isSynchronous }) => isSynchronous)).toHaveLength(1);
  });

  it('have every commit that is acknowledged: it waits for all, until one is no member any more', async () => {
    await a.server.setSynchronous(['b', hostile]);
    await c.server.stop();
    let isAcknowledged = false;
    const commit = a.insert('3').then(() => (isAcknowledged = true));
    await a.untilWaiting(1);
    await a.server.waitForStandby('b', await a.server.currentLsn(), 20_000);
    await a.untilWaiting(1);
    expect(isAcknowledged).toBe(false);
    await a.server.setSynchronous(['b']);
    await commit;
    await b.untilRows(['1', '2', '3']);
  });

  it('count a new member from the moment on that it is one', async () => {
    // Nobody is waited for, so the checkpointer lets commits pass; then somebody who is not there.
    await a.run('CREATE TABLE load (round integer)');
    for (let round = 0; round < 5; round++) {
      await a.server.setSynchronous([]);
      let isMember = false;
      let isOver = false;
      let missed = 0;
      const loads = Array.from({ length: 4 }, async () => {
        const session = await a.session();
        while (!isOver) {
          const isLate = isMember;
          await session.query('INSERT INTO load VALUES ($1)', [round], 60_000);
          if (isLate && !isOver) missed++;
        }
      });
      await a.server.setSynchronous([hostile]);
      isMember = true;
      await a.untilWaiting(4);
      expect(missed).toBe(0);
      isOver = true;
      await a.server.setSynchronous([]);
      await Promise.all(loads);
    }
    await a.insert('4');
    await a.server.setSynchronous([hostile]);
    const commit = a.insert('5');
    await a.untilWaiting(1);
    const before = performance.now();
    await a.server.setSynchronous(['b', hostile]);
    console.log(`member added in ${Math.round(performance.now() - before)} ms`);
    await a.untilWaiting(1);
    await c.server.startAsCopier(a.address);
    await commit;
  });

  it('are members only once every process knows', async () => {
    const pidOf = async (type: string): Promise<number> => {
      const text = 'SELECT pid FROM pg_stat_activity WHERE backend_type = $1 ORDER BY application_name DESC';
      return Number((await a.server.sql.query(text, [type]))[0]!['pid']);
    };
    // The checkpointer lets commits pass, or does not; a sender (b's, the last by name) releases those that wait.
    for (const [before, type] of [
      [[], 'checkpointer'],
      [['b'], 'walsender'],
    ] as const) {
      await a.server.setSynchronous([...before]);
      const pid = await pidOf(type);
      process.kill(pid, 'SIGSTOP');
      let isMember = false;
      const added = a.server.setSynchronous([hostile, ...before]).then(() => (isMember = true));
      await vi.waitUntil(async () =>
        /nobody|_43/.test(String(await setting(a, 'synchronous_standby_names'))),
      );
      if (before.length === 0) await a.run('INSERT INTO load VALUES (-1)');
      for (let i = 0; i < 10; i++) await setting(a, 'synchronous_standby_names');
      expect(isMember).toBe(false);
      process.kill(pid, 'SIGCONT');
      await added;
    }
  });

  it('are not counted twice', async () => {
    // With b's name, but not with its slot, since that is taken.
    const impostor = await place!.open('b');
    await impostor.server.cloneFrom(a.address);
    await impostor.server.startAsCopier(a.address);
    expect(await impostor.server.isFollowingWithin(1_000)).toBe(false);
    expect(
      (await a.server.standbys()).filter(({ id, state }) => id === 'b' && state === 'streaming'),
    ).toHaveLength(1);
    await impostor.server.stop();
  });

  it('an old writer acknowledges nothing once its copier is writer, and is rewound', async () => {
    await a.server.setSynchronous(['b', hostile]);
    const startedMs = performance.now();
    await b.server.promote(8n, []);
    console.log(`promoted in ${Math.round(performance.now() - startedMs)} ms`);
    expect(await setting(b, 'red.token')).toBe('8');
    await b.insert('new');

    const lost = a.insert('lost').catch((error: unknown) => error);
    await a.untilWaiting(1);
    await vi.waitUntil(async () => !(await a.server.standbys()).some(({ id }) => id === 'b'));
    await a.untilWaiting(1);
    await a.server.stopNow();
    expect(await lost).toMatchObject({ code: 'POSTGRES_UNREACHABLE' });

    await b.server.admit('a');
    const rewindMs = performance.now();
    expect(await a.server.rewindFrom(b.address)).toBe(true);
    console.log(`rewound in ${Math.round(performance.now() - rewindMs)} ms`);
    await expect(a.server.startAsCopier(null)).rejects.toMatchObject({ code: 'POSTGRES_DATA_MISSING' });
    await a.server.startAsCopier(b.address);
    expect(await a.server.isFollowingWithin(20_000)).toBe(true);
    await a.untilRows(['1', '2', '3', '4', '5', 'new']);
    await expect(a.server.setSynchronous(['b'])).rejects.toMatchObject({ code: 'POSTGRES_NOT_WRITER' });
  });

  it('a copier goes over to the new writer, or is rewound if it has more', async () => {
    // It has received what the old writer could not commit.
    await b.server.admit(hostile);
    await c.server.follow(b.address);
    const askedMs = performance.now();
    expect(await c.server.isFollowingWithin(60_000)).toBe(false);
    // It is certain, so nobody waits until the time is over.
    expect(performance.now() - askedMs).toBeLessThan(10_000);
    await c.server.stop();
    expect(await c.server.rewindFrom(b.address)).toBe(true);
    await c.server.startAsCopier(b.address);
    expect(await c.server.isFollowingWithin(20_000)).toBe(true);
    await b.server.setSynchronous(['a', hostile]);
    await b.insert('together');
    await c.untilRows(['1', '2', '3', '4', '5', 'new', 'together']);

    await b.server.stopNow();
    await c.server.follow(null);
    await a.server.promote(9n, [hostile]);
    await c.server.follow(a.address);
    expect(await c.server.isFollowingWithin(20_000)).toBe(true);
    await a.insert('without b');
    await c.untilRows(['1', '2', '3', '4', '5', 'new', 'together', 'without b']);
    expect(await setting(c, 'red.token')).toBe('');
  });

  it('a rewind from a server that is no relative, or no writer, changes nothing', async () => {
    const stranger = await place!.openWriter('stranger');
    expect(await b.server.rewindFrom(stranger.address)).toBe(false);
    await expect(b.server.rewindFrom(c.address)).rejects.toMatchObject({
      code: 'POSTGRES_SOURCE_NOT_WRITER',
    });
    await stranger.server.stop();
    await b.server.startAsCopier(null);
    expect(await b.rows()).toContain('together');
    await b.server.stopNow();
  });

  it('two that were promoted from the same point are not taken for one', async () => {
    const d = await place!.openCopier('d', a);
    await a.server.setSynchronous([hostile, 'd']);
    await a.insert('before');
    await a.server.stopNow();
    for (const copier of [c, d]) await copier.server.follow(null);
    // Equal statements, so equal positions: nothing but the lineage tells the one history from the other.
    await c.server.promote(30n, []);
    await c.run('INSERT INTO items VALUES ($1)', ['of c']);
    await c.server.stop();
    await d.server.promote(31n, []);
    await d.run('INSERT INTO items VALUES ($1)', ['of d']);
    await expect(c.server.startAsCopier(d.address)).rejects.toMatchObject({ code: 'POSTGRES_DATA_PARTED' });
    expect(await c.rows()).toContain('of c');
    await c.server.stop();
    expect(await c.server.rewindFrom(d.address)).toBe(false);
    await d.server.admit(hostile);
    await c.server.cloneFrom(d.address);
    await c.server.startAsCopier(d.address);
    expect(await c.server.isFollowingWithin(20_000)).toBe(true);
    await c.untilRows(await d.rows());
    expect(await c.rows()).not.toContain('of c');
    // Their history before is one.
    await d.server.admit('a');
    expect(await a.server.rewindFrom(d.address)).toBe(true);
    await a.server.startAsCopier(d.address);
    expect(await a.server.isFollowingWithin(20_000)).toBe(true);
    await d.server.stopNow();
    await a.server.promote(32n, []);
  });

  it('a clone that is killed leaves nothing of itself, and the old data', async () => {
    const staging = join(b.options.directory, 'data.new');
    const killed = b.server.cloneFrom(a.address).catch((error: unknown) => error);
    await vi.waitUntil(
      () => {
        const pid = processWith('pg_basebackup', staging);
        if (pid !== null) process.kill(pid, 'SIGKILL');
        return pid !== null;
      },
      { interval: 1 },
    );
    expect(await killed).toMatchObject({
      code: 'POSTGRES_COMMAND_FAILED',
      fields: { program: 'pg_basebackup', signal: 'SIGKILL' },
    });
    const aborted = new AbortController();
    const ended = b.server.cloneFrom(a.address, { signal: aborted.signal }).catch((error: unknown) => error);
    await vi.waitUntil(() => existsSync(staging), { interval: 1 });
    aborted.abort();
    expect(await ended).toBe(aborted.signal.reason);
    expect(existsSync(staging)).toBe(false);
    expect(await b.server.hasData()).toBe(true);

    const fresh = await place!.open('fresh');
    const nowhere = { host: '127.0.0.1', port: b.address.port };
    await expect(fresh.server.cloneFrom(nowhere)).rejects.toMatchObject({
      code: 'POSTGRES_COMMAND_FAILED',
      fields: { log: expect.stringContaining('Connection refused') },
    });
    expect(await fresh.server.hasData()).toBe(false);

    await a.server.admit('b');
    await b.server.cloneFrom(a.address);
    await b.server.startAsCopier(a.address);
    await b.untilRows(await a.rows());
  });
});
