/** Replicas that are killed, suspended, restarted or gone, seen from the command line. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  areEqual,
  errorOf,
  isAlive,
  primaryOf,
  resultOf,
  untilGone,
  Workplace,
} from '../support/theodora-process.js';
import type { Finished, ReplicaInfo, Running } from '../support/theodora-process.js';

let work: Workplace;
let up: Running;
let replicas: readonly ReplicaInfo[];

beforeEach(async () => {
  work = new Workplace();
  ({ up, replicas } = await work.up());
});
afterEach(() => work.close());

async function out(from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    expect(await work.run('out', JSON.stringify(['step', number]))).toMatchObject({ status: 0, err: '' });
  }
}

async function count(): Promise<unknown> {
  return resultOf(await work.run('count', '["step", null]'))['count'];
}

describe('a killed primary', () => {
  it('is replaced while operations go on, and rejoins with equal state', async () => {
    await out(0, 3);
    const under = work.run('out', '["step", "meanwhile"]');
    process.kill(replicas[0]!.pid, 'SIGKILL');
    const exited = await up.event({ event: 'exited' });
    expect(exited).toMatchObject({ id: 0, code: null, signal: 'SIGKILL' });
    expect(await under).toMatchObject({ status: 0 });
    await out(3, 6);
    expect(await count()).toBe(7);
    const without = await work.status();
    expect(without.map(({ reachable }) => reachable)).toEqual([false, true, true, true]);
    expect(primaryOf(without)).not.toBe(0);

    const [npx, program, ...words] = (exited['restart'] as string).split(' ');
    expect([npx, program]).toEqual(['npx', 'theodora']);
    const replica = work.start(...words);
    await replica.event({ event: 'listening', id: 0 });
    const lines = await work.awaitStatus(
      (all) => areEqual(all) && all.every(({ isObserver }) => !isObserver),
    );
    expect(lines.map(({ id }) => id)).toEqual([0, 1, 2, 3]);

    await out(6, 8);
    expect(await count()).toBe(9);
    replica.kill('SIGTERM');
    expect(await replica.finished).toMatchObject({ status: 0 });
  });
});

describe('a suspended primary', () => {
  it('is replaced, and follows again once it goes on', async () => {
    await out(0, 2);
    process.kill(replicas[0]!.pid, 'SIGSTOP');
    await out(2, 5);
    expect(await count()).toBe(5);
    expect(primaryOf(await work.status())).not.toBe(0);
    process.kill(replicas[0]!.pid, 'SIGCONT');
    await work.awaitStatus(areEqual);
    await out(5, 6);
    expect(await count()).toBe(6);
    expect(replicas.every(({ pid }) => isAlive(pid))).toBe(true);
  });

  it('does not keep up from ending', async () => {
    process.kill(replicas[2]!.pid, 'SIGSTOP');
    up.kill('SIGTERM');
    await up.event({ event: 'stopping' });
    expect(await up.finished).toMatchObject({ status: 0 });
    expect(replicas.some(({ pid }) => isAlive(pid))).toBe(false);
  });
});

describe('fewer replicas than a quorum', () => {
  const shortly = (...args: readonly string[]): Promise<Finished> => work.run('--timeout', '1500ms', ...args);

  it('are status 4, telling what is known about the operation', async () => {
    for (const id of [1, 2]) {
      process.kill(replicas[id]!.pid, 'SIGKILL');
      await up.event({ event: 'exited', id });
    }
    const written = await shortly('out', '["lost?"]');
    expect([written.status, written.out]).toEqual([4, '']);
    // Two of four welcome the client and take its request to open a session, but cannot order that: so the
    // operation itself was never sent.
    expect(errorOf(written)).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(errorOf(written)['message']).toMatch(/^unavailable: nothing was done/);
    expect((await work.status()).map(({ reachable }) => reachable)).toEqual([true, false, false, true]);

    process.kill(replicas[3]!.pid, 'SIGKILL');
    await up.event({ event: 'exited', id: 3 });
    const unreachable = await shortly('inp', '["lost?"]');
    expect([unreachable.status, errorOf(unreachable)]).toMatchObject([4, { code: 'CLUSTER_UNREACHABLE' }]);
    expect(errorOf(unreachable)['message']).toMatch(/^unavailable: nothing was done/);

    process.kill(replicas[0]!.pid, 'SIGKILL');
    expect(await up.finished).toMatchObject({ status: 4 });
    const status = await work.run('status');
    expect([status.status, errorOf(status)]).toMatchObject([4, { code: 'CLUSTER_UNREACHABLE' }]);
    expect(
      (resultOf(status)['replicas'] as { reachable: boolean }[]).map(({ reachable }) => reachable),
    ).toEqual([false, false, false, false]);
  });
});

describe('up killed with kill -9', () => {
  it('takes its replicas with it, and goes on from what is on disk, as after Ctrl-C', async () => {
    await out(0, 3);
    up.kill('SIGKILL');
    await up.finished;
    for (const { pid } of replicas) expect(await untilGone(pid)).toBe(true);
    for (let life = 1; life <= 2; life++) {
      const again = work.start('up');
      await again.event({ event: 'ready' });
      expect(await count()).toBe(2 + life);
      expect((await work.status()).map(({ isObserver }) => isObserver)).toEqual([false, false, false, false]);
      await out(2 + life, 3 + life);
      await work.awaitStatus(areEqual);
      again.kill('SIGINT');
      const finished = await again.finished;
      expect(finished.status).toBe(0);
      expect(finished.err).toContain('goes on from what is on disk');
    }
  });
});

describe('all replicas killed with kill -9 at once', () => {
  it('come back with everything that was acknowledged, one of them even without its votes', async () => {
    await out(0, 3);
    for (const { pid } of replicas) process.kill(pid, 'SIGKILL');
    expect(await up.finished).toMatchObject({ status: 4 });
    const again = work.start('up');
    await again.event({ event: 'ready' });
    expect(await count()).toBe(3);
    await out(3, 5);
    again.kill('SIGINT');
    expect(await again.finished).toMatchObject({ status: 0 });

    rmSync(join(work.directory, '.theodora', 'replica-3', 'votes'), { recursive: true });
    const refused = await work.run('up');
    expect([refused.status, errorOf(refused)]).toMatchObject([2, { code: 'DATA_DIRECTORY_EMPTY' }]);
    const repaired = work.start('up', '--rejoin');
    await repaired.event({ event: 'ready' });
    expect(await count()).toBe(5);
    await work.awaitStatus((all) => areEqual(all) && all.every(({ isObserver }) => !isObserver));
    repaired.kill('SIGINT');
    expect(await repaired.finished).toMatchObject({ status: 0 });
  });
});
