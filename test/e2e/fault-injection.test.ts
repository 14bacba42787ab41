/** Real replicas that are told to misbehave, as users start them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from '../support/theodora-process.js';

let work: Workplace;
beforeEach(() => {
  work = new Workplace();
});
afterEach(() => work.close());

/** Each insertion is there once, and nothing else. */
async function serve(count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const inserted = await work.succeed('cas', `["n", ${number}]`, `["n", ${number}]`);
    expect(inserted).toMatchObject({ inserted: true });
  }
  expect(await work.succeed('count', '["n", null]')).toEqual({ count });
}

describe('a replica that is told to misbehave', () => {
  it.each(['equivocate,lie-to-clients', 'silent', 'garble,flood', 'mutate'])(
    'changes nothing for clients, though it is the first primary: %s',
    async (names) => {
      const { up } = await work.up('--fault', `0=${names}`);
      await serve(5);
      const cluster = readFileSync(work.clusterFile, 'utf8');
      expect(cluster).toContain('faultInjection: true');
      up.kill('SIGTERM');
      expect((await up.finished).err).toContain(`replica 0 misbehaves: ${names.replaceAll(',', ', ')}`);
    },
  );

  it('says how it is started again, and more than f of them are pointed out', async () => {
    const { up, replicas } = await work.up('--fault', '1=slow', '--fault', '3=slow,stale-reads');
    process.kill(replicas[3]!.pid, 'SIGKILL');
    const { restart } = await up.event({ event: 'exited', id: 3 });
    expect(restart).toMatch(/ --fault slow,stale-reads --accomplices 1,3$/);
    up.kill('SIGTERM');
    expect((await up.finished).err).toContain('2 of them are more than f = 1: nothing is promised');
  });
});

describe('faults are refused', () => {
  it('where the cluster file does not allow them', async () => {
    const { up } = await work.up();
    up.kill('SIGTERM');
    await up.finished;
    const error = await work.fail(2, 'up', '--fault', '2=silent');
    expect(error).toMatchObject({ code: 'FAULT_INJECTION_OFF' });
    const text = readFileSync(work.clusterFile, 'utf8');
    writeFileSync(work.clusterFile, `${text}\nfaultInjection: true\n`);
    await work.up('--fault', '2=silent');
    await serve(2);
  });

  it('of replicas and behaviours that there are not, before anything is made', async () => {
    expect(await work.fail(2, 'up', '--fault', '4=silent')).toMatchObject({ code: 'USAGE', replica: 4 });
    const unknown = await work.fail(2, 'up', '--fault', '1=silent,polite');
    expect(unknown).toMatchObject({ code: 'USAGE', behaviour: 'polite' });
    expect(await work.fail(2, 'up', '--fault', 'silent')).toMatchObject({ code: 'USAGE' });
    await work.up();
  });
});
