/** Leases held by processes that are stopped, and by clusters that lose their primary. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resultOf, Workplace } from '../support/theodora-process.js';
import type { ReplicaInfo, Running } from '../support/theodora-process.js';

const holderPath = fileURLToPath(new URL('../support/lease-holder.mjs', import.meta.url));

interface LeaderEntry {
  readonly id: number;
  readonly tuple: readonly unknown[];
  readonly deadline: number;
}

let work: Workplace;
let up: Running;
let replicas: readonly ReplicaInfo[];

beforeEach(async () => {
  work = new Workplace();
  ({ up, replicas } = await work.up());
});
afterEach(() => work.close());

const workFile = (): string => join(work.directory, 'work');
const workDone = (): number[] => readFileSync(workFile(), 'utf8').trim().split('\n').map(Number);

const holderProcess = (name: string, leaseMs: number, how: 'elected' | 'lock'): Running =>
  work.spawn(process.execPath, [holderPath, work.clusterFile, name, String(leaseMs), workFile(), how]);

/** A process of its own that holds `["leader", name]`. */
async function hold(name: string, leaseMs: number): Promise<{ holder: Running; token: number }> {
  const holder = holderProcess(name, leaseMs, 'elected');
  const { token } = await holder.event({ event: 'held' });
  return { holder, token: token as number };
}

async function leader(): Promise<LeaderEntry | null> {
  const { entry } = resultOf(await work.run('rdp', '["leader", null]'));
  return entry as LeaderEntry | null;
}

/** Asks again and again until the deadline has moved beyond that moment; the same entry all along. */
async function deadlineBeyond(id: number, deadline: number): Promise<number> {
  for (;;) {
    const entry = await leader();
    expect(entry).toMatchObject({ id });
    if (entry!.deadline > deadline) return entry!.deadline;
  }
}

describe('a holder that is stopped for longer than its lease (pitfalls 20, 21)', () => {
  it('learns on resuming that it has lost it, before it does anything', async () => {
    const { holder, token } = await hold('first', 2_500);
    holder.kill('SIGSTOP');
    for (;;) {
      const cas = await work.run('cas', '["leader", null]', '["leader", "second"]', '--lease', '10m');
      const { inserted, entry } = resultOf(cas) as { inserted: boolean; entry: LeaderEntry };
      expect([cas.status, entry.tuple[1]]).toEqual(inserted ? [0, 'second'] : [1, 'first']);
      if (!inserted) continue;
      expect(entry.id).toBeGreaterThan(token);
      appendFileSync(workFile(), `${entry.id}\n`);
      break;
    }
    const second = (await leader())!;
    holder.kill('SIGCONT');
    expect(await holder.event({ event: 'lost' })).toEqual({
      event: 'lost',
      token,
      code: 'LEASE_LOST',
      reason: 'LEASE_LOST',
    });
    expect(await holder.event({ event: 'released' })).toMatchObject({ isReleased: false, isHeld: false });
    expect(await holder.finished).toMatchObject({ status: 0, err: '' });

    const done = workDone();
    expect(done[0]).toBe(token);
    expect(done.at(-1)).toBe(second.id);
    expect(done.filter((one) => one === second.id)).toHaveLength(1);
    expect(await leader()).toEqual(second);
  });

  it('loses a lock to the next in the queue, whose fencing token is greater', async () => {
    const first = holderProcess('first', 2_500, 'lock');
    const { token } = await first.event({ event: 'held' });
    const second = holderProcess('second', 8_000, 'lock');
    // Queued, and told of nothing yet.
    while (resultOf(await work.run('count', '["theodora.lock", "work", null, null]'))['count'] !== 2);
    first.kill('SIGSTOP');
    const next = await second.event({ event: 'held' });
    expect(next['token']).toBeGreaterThan(token as number);
    first.kill('SIGCONT');
    expect(await first.event({ event: 'lost' })).toMatchObject({ token, code: 'LEASE_LOST' });
    second.kill('SIGTERM');
    expect(await second.event({ event: 'released' })).toMatchObject({ isReleased: true });
    for (const holder of [first, second]) expect(await holder.finished).toMatchObject({ status: 0, err: '' });
    // Once the second had begun, the first did nothing more.
    const done = workDone();
    expect(done.lastIndexOf(token as number)).toBeLessThan(done.indexOf(next['token'] as number));
  });

  it('but was not asked for by anyone else, is told so all the same', async () => {
    const { holder, token } = await hold('first', 2_500);
    holder.kill('SIGSTOP');
    while ((await leader()) !== null);
    holder.kill('SIGCONT');
    expect(await holder.event({ event: 'lost' })).toMatchObject({ code: 'LEASE_LOST' });
    expect(await holder.finished).toMatchObject({ status: 0, err: '' });
    expect(new Set(workDone())).toEqual(new Set([token]));
  });
});

describe('a holder that goes on', () => {
  it('keeps its lease far beyond its length, also without the primary, and gives it back', async () => {
    const leaseMs = 8_000;
    const { holder, token } = await hold('first', leaseMs);
    const inserted = (await leader())!;
    expect(inserted).toMatchObject({ id: token, tuple: ['leader', 'first'] });
    const renewed = await deadlineBeyond(token, inserted.deadline);

    process.kill(replicas[0]!.pid, 'SIGKILL');
    await up.event({ event: 'exited', id: 0 });
    await deadlineBeyond(token, renewed + leaseMs);

    holder.kill('SIGTERM');
    expect(await holder.event({ event: 'released' })).toMatchObject({ isReleased: true });
    expect(await holder.finished).toMatchObject({ status: 0, err: '' });
    expect(await leader()).toBeNull();
    expect(new Set(workDone())).toEqual(new Set([token]));
  });
});
