/** Waiting and subscribing from processes of their own, through the death of a primary too. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, resultOf, Workplace } from '../support/theodora-process.js';
import type { ReplicaInfo, Running } from '../support/theodora-process.js';

let work: Workplace;
let replicas: readonly ReplicaInfo[];

beforeAll(async () => {
  work = new Workplace();
  ({ replicas } = await work.up());
});
afterAll(() => work.close());

/** How many operations wait at the replicas, and how many subscriptions there are. */
async function waitsHeld(): Promise<number> {
  const { space } = resultOf(await work.run('space', 'show', 'default'));
  const { waits, subscriptions } = space as { waits: number; subscriptions: number };
  return waits + subscriptions;
}

/** Goes on once the replicas hold the wait or subscription. */
async function waits(...args: readonly string[]): Promise<Running> {
  const before = await waitsHeld();
  const running = work.start(...args);
  while ((await waitsHeld()) <= before);
  return running;
}

const tupleOf = (json: Record<string, unknown>): unknown =>
  (json['entry'] as { tuple: unknown } | null)?.tuple ?? null;

describe('waiting', () => {
  it('ends with what another process inserts; the first in takes it', async () => {
    const reader = await waits('rd', '["a", null]');
    const first = await waits('in', '["a", null]', '--wait', '1m');
    const second = await waits('in', '["a", null]');
    await work.run('out', '["a", 1]');
    expect(tupleOf(resultOf(await reader.finished))).toEqual(['a', 1]);
    expect(tupleOf(resultOf(await first.finished))).toEqual(['a', 1]);
    expect(resultOf(await work.run('count', '["a", null]'))).toEqual({ count: 0 });
    await work.run('cas', '["a", null]', '["a", 2]');
    expect(tupleOf(resultOf(await second.finished))).toEqual(['a', 2]);
  });

  it('answers at once what is there', async () => {
    await work.run('out', '["b", 1]');
    for (const operation of ['rd', 'in'])
      expect(tupleOf(resultOf(await work.run(operation, '["b", null]', '--wait', '1s')))).toEqual(['b', 1]);
  });

  it('ends with status 1 when the time is over', async () => {
    const finished = await work.run('in', '["never"]', '--wait', '300ms');
    expect(finished).toMatchObject({ status: 1, err: '' });
    expect(resultOf(finished)).toEqual({ entry: null });
  });

  it('is cancelled by Ctrl-C, and takes nothing any more', async () => {
    const waiting = await waits('in', '["c", null]');
    waiting.kill('SIGINT');
    const finished = await waiting.finished;
    expect(finished).toMatchObject({ status: 1, err: '' });
    expect(resultOf(finished)).toEqual({ entry: null });
    await work.run('out', '["c", 1]');
    expect(resultOf(await work.run('count', '["c", null]'))).toEqual({ count: 1 });
  });

  it('refuses times that are none', async () => {
    for (const time of ['0s', '-1s', '1.5.2s', 'soon', '']) {
      const finished = await work.run('rd', '["a"]', '--wait', time);
      expect(finished.status).toBe(2);
      expect(errorOf(finished)).toMatchObject({ code: 'USAGE' });
    }
    const tooLong = await work.run('rd', '["a"]', '--wait', '25h');
    expect(tooLong.status).toBe(3);
    expect(errorOf(tooLong)).toMatchObject({ code: 'WAIT_TOO_LONG', waitMaxMs: 86_400_000 });
  });
});

describe('subscribing', () => {
  const kindsOf = (out: string): [string, unknown][] =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .map((event) => [event['event'] as string, tupleOf(event)]);

  it('tells all that happens, expiry without traffic too, and again from any event', async () => {
    const subscriber = await waits('subscribe', '["e", null]');
    await work.run('out', '["e", 1]');
    await work.run('out', '["f", 1]');
    await work.run('inp', '["e", 1]');
    await work.run('out', '["e", 2]', '--lease', '2200ms');
    await work.run('replace', '["e", 2]', '["e", 3]', '--lease', '2200ms');
    await subscriber.event({ event: 'expired' });
    subscriber.kill('SIGINT');
    const finished = await subscriber.finished;
    expect(finished).toMatchObject({ status: 0, err: '' });
    expect(kindsOf(finished.out)).toEqual([
      ['inserted', ['e', 1]],
      ['taken', ['e', 1]],
      ['inserted', ['e', 2]],
      ['replaced', ['e', 2]],
      ['inserted', ['e', 3]],
      ['expired', ['e', 3]],
    ]);
    const { sequence } = JSON.parse(finished.out.split('\n')[2]!) as { sequence: number };
    const again = work.start('subscribe', '["e", null]', '--from', String(sequence));
    await again.event({ event: 'expired' });
    again.kill('SIGTERM');
    expect(kindsOf((await again.finished).out)).toEqual(kindsOf(finished.out).slice(2));
  });

  it('refuses a beginning that is none', async () => {
    for (const from of ['0', '-1', 'x', '1.5']) {
      const finished = await work.run('subscribe', '["e"]', '--from', from);
      expect(finished.status).toBe(2);
      expect(errorOf(finished)).toMatchObject({ code: 'USAGE' });
    }
  });
});

it('both go on when the primary is killed', async () => {
  const subscriber = await waits('subscribe', '["g", null]');
  const waiting = await waits('in', '["g", null]');
  process.kill(replicas[0]!.pid, 'SIGKILL');
  await work.run('out', '["g", 1]');
  expect(tupleOf(resultOf(await waiting.finished))).toEqual(['g', 1]);
  await subscriber.event({ event: 'taken' });
  subscriber.kill('SIGINT');
  expect(await subscriber.finished).toMatchObject({ status: 0, err: '' });
});
