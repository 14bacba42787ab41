/** A cluster whose clients make MACs (`requestAuth: mac`): the operations of the tour, and who may use it how. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { areEqual, Workplace } from '../support/theodora-process.js';
import type { ReplicaInfo, Running } from '../support/theodora-process.js';

let work: Workplace;
let up: Running;
let replicas: readonly ReplicaInfo[];

beforeAll(async () => {
  work = new Workplace();
  ({ up, replicas } = await work.up('--request-auth', 'mac'));
});
afterAll(() => work.close());

/** The same cluster as a client sees it whose file was changed. */
function changedFile(name: string, change: (text: string) => string): string {
  const directory = join(work.directory, name);
  mkdirSync(directory);
  const copy = join(directory, 'cluster.yaml');
  copyFileSync(work.clusterFile, copy);
  writeFileSync(copy, change(readFileSync(copy, 'utf8')));
  cpSync(join(dirname(work.clusterFile), 'clients'), join(directory, 'clients'), { recursive: true });
  return copy;
}

describe('a cluster with MACs', () => {
  it('says so in its file', () => {
    expect(readFileSync(work.clusterFile, 'utf8')).toContain('  requestAuth: mac\n');
  });

  it('does what the tour does', async () => {
    expect(await work.succeed('out', '["job", 1]')).toMatchObject({ entry: { id: 1, owner: 'admin' } });
    expect(await work.succeed('rdp', '["job", null]')).toMatchObject({ entry: { tuple: ['job', 1] } });
    expect(await work.succeed('cas', '["lock", null]', '["lock", "a"]')).toMatchObject({ inserted: true });
    expect((await work.run('cas', '["lock", null]', '["lock", "b"]')).status).toBe(1);
    const waiting = work.run('in', '["late"]', '--wait', '20s');
    await work.succeed('out', '["late"]');
    expect((await waiting).status).toBe(0);
    expect(await work.succeed('replace', '["job", null]', '["job", 2]')).toMatchObject({
      entry: { tuple: ['job', 1] },
    });
    expect(await work.succeed('inp', '["job", null]')).toMatchObject({ entry: { tuple: ['job', 2] } });
    expect(await work.succeed('count', '["job", null]')).toMatchObject({ count: 0 });
  });

  it('takes envelopes of a client that signs', async () => {
    const file = changedFile('careful', (text) => text.replace('requestAuth: mac', 'requestAuth: signature'));
    expect(await work.succeed('--cluster', file, 'out', '["signed"]')).toMatchObject({ entry: {} });
    expect(await work.succeed('rdp', '["signed"]')).toMatchObject({ entry: { tuple: ['signed'] } });
  });

  it('registers clients, which then make MACs of their own', async () => {
    await work.succeed('client', 'add', 'alice');
    expect(await work.succeed('--as', 'alice', 'out', '["by alice"]')).toMatchObject({
      entry: { owner: 'alice' },
    });
  });

  it('goes on without its primary', async () => {
    process.kill(replicas[0]!.pid, 'SIGKILL');
    await up.event({ event: 'exited', id: 0 });
    expect(await work.succeed('out', '["after"]')).toMatchObject({ entry: {} });
    const left = await work.awaitStatus((all) => areEqual(all.filter(({ reachable }) => reachable)));
    expect(left.filter(({ reachable }) => reachable)).toHaveLength(3);
  });

  it('is not started as one with signatures', async () => {
    expect(await work.fail(2, 'up', '--request-auth', 'signature')).toMatchObject({
      code: 'USAGE',
      requestAuth: 'mac',
    });
  });
});
