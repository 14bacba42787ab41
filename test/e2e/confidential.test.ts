/** Confidential spaces from other processes: who reads what, and that replicas hold nothing of it, on disk or in memory. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/client/index.js';
import { encodeOperation } from '../../src/codec/index.js';
import { canReadMemory, dumpOption, filesWith, heapForms, heapOf, memoryForms } from '../support/dumps.js';
import { mainPath, resultOf, Workplace, type ReplicaInfo } from '../support/theodora-process.js';

let work: Workplace;
let replicas: readonly ReplicaInfo[];

const ids = [0, 1, 2, 3];
// No part of a secret is said anywhere but in tuples: every form of this one is looked for.
const secret = 'Zephyrine-Quixotry-8841';
const told = 'Wainscot-Jubilee-5502';
const protect = ['--protect', 'public,comparable,private'];

const succeed = (...args: readonly string[]): Promise<Record<string, unknown>> => work.succeed(...args);

const fail = (status: number, ...args: readonly string[]): Promise<Record<string, unknown>> =>
  work.fail(status, ...args);

const as = (name: string, ...args: readonly string[]): Promise<Record<string, unknown>> =>
  succeed('--as', name, '--space', 'vault', ...args);

beforeAll(async () => {
  work = new Workplace();
  const up = work.spawn(process.execPath, [mainPath, '--json', 'up'], { NODE_OPTIONS: dumpOption });
  replicas = (await up.event({ event: 'ready' }))['replicas'] as ReplicaInfo[];
  for (const name of ['alice', 'bob', 'eve']) await succeed('client', 'add', name);
});
afterAll(() => work.close());

describe('a confidential space', () => {
  it('is shown as one', async () => {
    const lists = ['--insert', 'alice,bob', '--readers', 'alice,bob', '--takers', 'bob'];
    const made = await succeed('space', 'create', 'vault', '--confidential', ...lists);
    expect(made).toMatchObject({ space: { name: 'vault', confidential: true, insert: ['alice', 'bob'] } });
    expect(await succeed('space', 'show', 'vault')).toEqual(made);
    const listed = (await work.run('space', 'list')).out.trim().split('\n');
    expect(listed.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { space: { name: 'default', confidential: false } },
      { space: { name: 'vault', confidential: true } },
    ]);
    expect((await work.runPlain('space', 'show', 'vault')).out).toMatch(/^tuples +confidential$/m);
  });

  it('gives its tuples to clients on its lists, and to nobody else', async () => {
    const tuple = [told, `name ${secret}`, `word ${secret}`];
    const put = await as('alice', 'out', JSON.stringify(tuple), ...protect);
    expect(put).toMatchObject({ entry: { tuple, owner: 'alice' } });
    const template = JSON.stringify([told, tuple[1], null]);
    expect(await as('bob', 'rdp', template, ...protect)).toEqual(put);
    expect(await as('bob', 'rd', '[null, {"formal":"string"}, null]', '--wait', '5s', ...protect)).toEqual(
      put,
    );
    expect(await fail(3, '--as', 'eve', '--space', 'vault', 'rdp', template, ...protect)).toMatchObject({
      code: 'ACL_DENIED',
    });
  });

  it('matches by what is public or comparable, and by how it was protected', async () => {
    const ask = (template: string, ...options: readonly string[]): Promise<unknown> =>
      work.run('--as', 'bob', '--space', 'vault', 'count', template, ...options).then(resultOf);
    const counts = await Promise.all([
      ask(`["${told}", null, null]`, ...protect),
      ask(`["${told}", {"formal":"int"}, null]`, ...protect),
      ask(`["${told}", "another", null]`, ...protect),
      ask(`["${told}", null, null]`),
    ]);
    expect(counts).toEqual([{ count: 1 }, { count: 0 }, { count: 0 }, { count: 0 }]);
    const wanted = ['rdp', `["${told}", null, "x"]`, ...protect];
    expect(await fail(2, '--as', 'bob', '--space', 'vault', ...wanted)).toMatchObject({
      code: 'CONFIDENTIAL_FIELD_PRIVATE',
      index: 2,
    });
    expect(await fail(2, '--as', 'bob', '--space', 'vault', 'rdp', '[1]', ...protect)).toMatchObject({
      code: 'CONFIDENTIAL_PROTECTION_INVALID',
    });
    expect(await fail(3, 'rdp', '[1]', '--protect', 'public')).toMatchObject({
      code: 'SPACE_NOT_CONFIDENTIAL',
    });
  });

  it('knows every operation', async () => {
    const leader = `["leader", "alice ${secret}"]`;
    const won = await as('alice', 'cas', '["leader", null]', leader, '--lease', '1m');
    expect(won).toMatchObject({ inserted: true });
    const lost = await work.run(
      '--as',
      'bob',
      '--space',
      'vault',
      'cas',
      '["leader", null]',
      '["leader", "bob"]',
    );
    expect([lost.status, resultOf(lost)]).toEqual([1, { ...won, inserted: false }]);
    expect(await as('alice', 'renew', leader, '2m')).toMatchObject({
      entry: { tuple: JSON.parse(leader) as unknown },
    });
    const swapped = await as('bob', 'replace', leader, `["leader", "bob ${secret}"]`);
    expect(swapped).toMatchObject({ entry: { tuple: JSON.parse(leader) as unknown } });
    const all = await as('bob', 'rdall', '["leader", null]');
    expect(all).toMatchObject({ entries: [{ tuple: ['leader', `bob ${secret}`], owner: 'bob' }] });
    const taken = { entries: [{ tuple: ['leader', `bob ${secret}`] }] };
    expect(await as('bob', 'inall', '["leader", null]')).toMatchObject(taken);
    const template = `["${told}", null, null]`;
    const event = await as('bob', 'subscribe', template, '--from', '1', '--limit', '1', ...protect);
    expect(event).toMatchObject({
      event: 'inserted',
      entry: { tuple: [told, `name ${secret}`, `word ${secret}`] },
    });
    const bytes = { bytes: Buffer.from(`bytes ${secret}`).toString('base64') };
    await as('alice', 'out', JSON.stringify([`${told} taken`, bytes, `gone ${secret}`]), ...protect);
    const took = await as(
      'bob',
      'in',
      `["${told} taken", {"formal":"bytes"}, null]`,
      '--wait',
      '5s',
      ...protect,
    );
    expect(took).toMatchObject({ entry: { tuple: [`${told} taken`, bytes, `gone ${secret}`] } });
  });
});

describe('a client that inserts what is no good', () => {
  const lie = ['lie'];
  const ask = (name: string): readonly string[] => ['--as', name, '--space', 'vault'];

  it('is blacklisted by the first who reads it, and can be pardoned', async () => {
    const liar = await connect({ cluster: work.clusterFile, identity: 'alice' });
    const operation = { kind: 'out', space: 'vault', tuple: lie, lease: null } as const;
    await liar.execute(encodeOperation({ ...operation, sealed: Uint8Array.of(1, 2, 3) }));
    await liar.close();
    const template = [JSON.stringify(lie), '--protect', 'public'];
    expect(await as('bob', 'count', ...template)).toEqual({ count: 1 });

    const read = await work.run(...ask('bob'), 'rdp', ...template);
    expect([read.status, resultOf(read)]).toEqual([1, { entry: null }]);
    expect(await as('bob', 'count', ...template)).toEqual({ count: 0 });
    const gone = await as('bob', 'subscribe', ...template, '--from', '1', '--limit', '1');
    expect(gone).toMatchObject({ event: 'repaired', entry: { tuple: [], owner: 'alice' } });

    const listed = (await work.run('client', 'list')).out.trim().split('\n');
    const blacklisted = listed
      .map((line) => JSON.parse(line) as { client: string; blacklisted: object | null })
      .filter((client) => client.blacklisted !== null);
    expect(blacklisted).toMatchObject([
      { client: 'alice', blacklisted: { space: 'vault' }, forgedRepairs: 0 },
    ]);
    const refused = await fail(3, ...ask('alice'), 'out', ...template);
    expect(refused).toMatchObject({ code: 'CLIENT_BLACKLISTED' });
    expect(await succeed('client', 'pardon', 'alice')).toMatchObject({ client: 'alice', blacklisted: null });
    await as('alice', 'out', ...template);
    expect(await as('bob', 'inp', ...template)).toMatchObject({ entry: { tuple: lie } });
  });
});

describe('what was said in a confidential space', () => {
  it('is in no snapshot, beside what was public', async () => {
    const file = join(work.directory, 'backup.snapshot');
    await succeed('snapshot', 'save', file);
    expect(statSync(file).size).toBeGreaterThan(0);
    expect(heapForms(readFileSync(file), told)).toContain('utf8');
    expect(heapForms(readFileSync(file), secret)).toEqual([]);
  });

  it.each(ids)('is in no file of replica %i', async (id) => {
    const folder = join(work.directory, '.theodora', `replica-${id}`);
    // A quorum's checkpoint is enough for a snapshot: this replica may still be writing its pages.
    await vi.waitFor(
      () => {
        const control = filesWith(folder, told).join('\n');
        expect(control).toMatch(/votes\/.*: utf8/);
        expect(control).toMatch(/pages\/.*: utf8/);
      },
      { timeout: 20_000 },
    );
    expect(filesWith(folder, secret)).toEqual([]);
  });

  it.each(ids)('is nowhere in the memory of replica %i', async (id) => {
    const { pid } = replicas.find((replica) => replica.id === id)!;
    if (canReadMemory(pid)) {
      const forms = memoryForms(pid, [told, secret]);
      expect(forms.get(told)).toContain('utf8');
      expect(forms.get(secret)).toEqual([]);
    }
    const heap = await heapOf(work.directory, pid);
    expect(heapForms(heap, told)).toContain('utf8');
    expect(heapForms(heap, secret)).toEqual([]);
  });

  it('still comes to light for those who may read it', async () => {
    const found = await as('bob', 'rdp', `["${told}", null, null]`, ...protect);
    expect(found).toMatchObject({ entry: { tuple: [told, `name ${secret}`, `word ${secret}`] } });
  });
});
