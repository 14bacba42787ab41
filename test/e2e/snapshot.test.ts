/** A backup of a running cluster, and the cluster from it after all replicas have lost everything. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workplace, type Running } from '../support/theodora-process.js';

let work: Workplace;
let up: Running;
beforeAll(async () => {
  work = new Workplace();
  ({ up } = await work.up());
});
afterAll(() => work.close());

const file = (): string => join(work.directory, 'backup.snapshot');
const folderOf = (id: number): string => join(work.directory, '.theodora', `replica-${id}`);
const ids = [0, 1, 2, 3];

const succeed = (...args: readonly string[]): Promise<Record<string, unknown>> => work.succeed(...args);

const fail = (status: number, ...args: readonly string[]): Promise<Record<string, unknown>> =>
  work.fail(status, ...args);

describe('a snapshot', () => {
  it('of a fresh cluster has whatever was acknowledged before, and is checked without a cluster', async () => {
    await succeed('client', 'add', 'alice');
    await succeed('space', 'create', 'jobs', '--insert', 'alice');
    await succeed('--as', 'alice', '--space', 'jobs', 'out', '["job", 1]');
    await succeed('out', '["before"]');
    const saved = await succeed('snapshot', 'save', file());
    expect(saved).toMatchObject({ liars: [], sizeBytes: statSync(file()).size });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const { sequenceNumber, stateDigest, sizeBytes } = saved;
    const verified = await succeed('snapshot', 'verify', file());
    expect(verified).toMatchObject({
      ...{ sequenceNumber, stateDigest, sizeBytes },
      ...{ entries: 2, spaces: 2, clients: 2 },
    });
    expect((await work.runPlain('snapshot', 'verify', file())).out).toContain('certified by replicas');
  });

  it('is for the admin alone, and needs a place to go to', async () => {
    const other = join(work.directory, 'other.snapshot');
    expect(await fail(3, '--as', 'alice', 'snapshot', 'save', other)).toMatchObject({ code: 'ADMIN_ONLY' });
    const nowhere = join(work.directory, 'none', 'other.snapshot');
    expect(await fail(2, 'snapshot', 'save', nowhere)).toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(work.directory).filter((name) => name.includes('other'))).toEqual([]);
  });

  it('that is damaged is refused, and one that is not there', async () => {
    const damaged = join(work.directory, 'damaged.snapshot');
    const bytes = readFileSync(file());
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(damaged, bytes);
    for (const args of [['verify'], ['restore', '--data', folderOf(0)]])
      expect(await fail(2, 'snapshot', ...args, damaged)).toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    expect(await fail(2, 'snapshot', 'verify', `${damaged}.none`)).toMatchObject({ code: 'ENOENT' });
  });

  it('is not restored beside data that is there', async () => {
    const error = await fail(2, 'snapshot', 'restore', file(), '--data', folderOf(1));
    expect(['DATA_DIRECTORY_USED', 'DATA_DIRECTORY_IN_USE']).toContain(error['code']);
  });

  it('brings everything back when all replicas have lost everything, and operations go on', async () => {
    await succeed('out', '["after"]');
    up.kill('SIGTERM');
    await up.finished;
    for (const id of ids) {
      rmSync(join(folderOf(id), 'votes'), { recursive: true });
      rmSync(join(folderOf(id), 'pages'), { recursive: true });
      expect(await succeed('snapshot', 'restore', file(), '--data', folderOf(id))).toMatchObject({
        restored: folderOf(id),
        entries: 2,
      });
    }
    ({ up } = await work.up());
    expect(await succeed('count', '["before"]')).toEqual({ count: 1 });
    expect((await work.run('rdp', '["after"]')).status).toBe(1);
    expect(await fail(3, '--space', 'jobs', 'out', '["job", 2]')).toMatchObject({ code: 'ACL_DENIED' });
    await succeed('--as', 'alice', '--space', 'jobs', 'out', '["job", 2]');
    const again = await succeed('snapshot', 'save', file());
    expect(await succeed('snapshot', 'verify', file())).toMatchObject({ entries: 3, clients: 2 });
    expect((await succeed('snapshot', 'save', file(), '--last-checkpoint'))['sequenceNumber']).toBe(
      again['sequenceNumber'],
    );
  });
});
