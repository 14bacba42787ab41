/** Who may do what, from other processes: every operation, every way to be refused, its code and exit status. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateIdentityKey } from '../../src/crypto/index.js';
import { errorOf, resultOf, Workplace } from '../support/theodora-process.js';
import type { Finished } from '../support/theodora-process.js';

let work: Workplace;

interface Operation {
  readonly args: readonly string[];
  /** When it is allowed, after those before it in the table. */
  readonly status: 0 | 1;
  readonly rule: string;
  /** The list that its client has to be on first. */
  readonly list: 'insert' | 'readers' | 'takers';
}

const operations: readonly Operation[] = [
  { args: ['out', '["t", 1]'], status: 0, rule: 'out', list: 'insert' },
  { args: ['rdp', '["t", null]'], status: 0, rule: 'rdp', list: 'readers' },
  { args: ['rd', '["t", null]', '--wait', '5s'], status: 0, rule: 'rd', list: 'readers' },
  { args: ['cas', '["u"]', '["u"]'], status: 0, rule: 'cas', list: 'insert' },
  { args: ['replace', '["u"]', '["v"]'], status: 0, rule: 'replace', list: 'insert' },
  { args: ['renew', '["v"]', '5s'], status: 1, rule: 'renew', list: 'insert' },
  { args: ['rdall', '["t", null]'], status: 0, rule: 'rdAll', list: 'readers' },
  { args: ['count', '["t", null]'], status: 0, rule: 'count', list: 'readers' },
  {
    args: ['subscribe', '["t", null]', '--from', '1', '--limit', '1'],
    status: 0,
    rule: 'subscribe',
    list: 'readers',
  },
  { args: ['inp', '["v"]'], status: 0, rule: 'inp', list: 'takers' },
  { args: ['in', '["t", null]', '--wait', '5s'], status: 0, rule: 'in', list: 'takers' },
  { args: ['inall', '["t", null]'], status: 1, rule: 'inAll', list: 'takers' },
];
const everyRule = operations.map(({ rule }) => rule);

const module = (lines: readonly string[], rules: string): string =>
  [
    "import { definePolicy } from 'theodora/policy';",
    ...lines,
    `export default definePolicy({ ${rules} });`,
    '',
  ].join('\n');
const policies = {
  allowing: module([], everyRule.map((rule) => `${rule}: true`).join(', ')),
  // The rules that are not there deny as well.
  denying: module([], 'out: false, rdp: false, in: ({ invoker }) => invoker === "nobody"'),
  failing: module(
    ['const fails = ({ invoker, time }) => invoker + time === "";'],
    everyRule.map((rule) => `${rule}: fails`).join(', '),
  ),
  endless: module(
    [
      'const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];',
      'const endless = ({ invoker }) => {',
      '  for (const a of digits) for (const b of digits) for (const c of digits) for (const d of digits)',
      '    if (a + b + c + d > 36 && invoker !== "") return true;',
      '  return false;',
      '};',
    ],
    everyRule.map((rule) => `${rule}: endless`).join(', '),
  ),
};

const policyFile = (name: keyof typeof policies): string => join(work.directory, `${name}.ts`);

const succeed = (...args: readonly string[]): Promise<Record<string, unknown>> => work.succeed(...args);

function expectRefusal(finished: Finished, code: string, fields: Record<string, unknown> = {}): void {
  expect([finished.status, finished.out, errorOf(finished)]).toMatchObject([3, '', { code, ...fields }]);
}

beforeAll(async () => {
  work = new Workplace();
  await work.up();
  for (const [name, text] of Object.entries(policies))
    writeFileSync(join(work.directory, `${name}.ts`), text);
  for (const name of ['member', 'stranger', 'gone']) await succeed('client', 'add', name);
  const lists = ['--insert', 'member', '--readers', 'member', '--takers', 'member'];
  await succeed('space', 'create', 'allowed', ...lists, '--policy', policyFile('allowing'));
  await succeed('space', 'create', 'denied', '--policy', policyFile('denying'));
  await succeed('space', 'create', 'failing', '--policy', policyFile('failing'));
  await succeed('space', 'create', 'endless', '--policy', policyFile('endless'));
});
afterAll(() => work.close());

describe.each(operations)('$args.0', ({ args, status, rule, list }) => {
  const run = (space: string, identity: string): Promise<Finished> =>
    work.run(...args, '--space', space, '--as', identity);

  it(`is status ${status} for whom lists and policy allow it`, async () => {
    expect(await run('allowed', 'member')).toMatchObject({ status, err: '' });
  });

  it('is refused to whom the lists leave out', async () => {
    expectRefusal(await run('allowed', 'stranger'), 'ACL_DENIED', { list });
  });

  it.each([
    ['that denies it', 'denied', 'POLICY_DENIED'],
    ['that fails', 'failing', 'POLICY_ERROR'],
    ['that takes too many steps', 'endless', 'POLICY_BUDGET'],
  ])('is refused by a policy %s', async (_, space, code) => {
    expectRefusal(await run(space, 'member'), code, { rule, operation: rule });
  });
});

describe('quotas', () => {
  beforeAll(async () => {
    const bounds = ['--quota-entries', '2', '--quota-bytes', '40', '--client-quota-entries', '1'];
    await succeed('space', 'create', 'small', ...bounds, '--quota-waits', '0');
    await succeed('out', '["first"]', '--space', 'small', '--as', 'member');
  });

  it.each([
    ['a second entry of one client', ['out', '["x"]'], 'member', 'client-entries', 1],
    ['a second entry by cas', ['cas', '["x"]', '["x"]'], 'member', 'client-entries', 1],
    ['a large tuple', ['out', `["${'x'.repeat(40)}"]`], 'stranger', 'bytes', 40],
    ['a larger tuple in its place', ['replace', '["first"]', `["${'x'.repeat(40)}"]`], 'member', 'bytes', 40],
    ['a wait', ['rd', '["none"]'], 'member', 'waits', 0],
    ['a wait to take', ['in', '["none"]'], 'member', 'waits', 0],
  ])('refuse %s', async (_, args, identity, quota, limit) => {
    const finished = await work.run(...args, '--space', 'small', '--as', identity);
    expectRefusal(finished, 'QUOTA_EXCEEDED', { quota, limit });
  });

  it('of all together are used up by others', async () => {
    await succeed('out', '["x"]', '--space', 'small', '--as', 'stranger');
    const finished = await work.run('out', '["x"]', '--space', 'small');
    expectRefusal(finished, 'QUOTA_EXCEEDED', { quota: 'entries', limit: 2 });
  });

  it('let what is there be read, swapped for as much, and taken', async () => {
    const common = ['--space', 'small', '--as', 'member'];
    await succeed('rd', '["first"]', ...common);
    await succeed('replace', '["first"]', '["other"]', ...common);
    await succeed('inp', '["other"]', ...common);
    await succeed('out', '["again"]', ...common);
  });
});

describe('entries', () => {
  it('are seen and taken only by those whom they are for', async () => {
    const out = await succeed(
      'out',
      '["for", "member"]',
      '--readers',
      'stranger,member',
      '--takers',
      'member',
    );
    const entry = { readers: ['member', 'stranger'], takers: ['member'] };
    expect(out).toMatchObject({ entry });
    expect(await succeed('rdp', '["for", null]', '--as', 'stranger')).toEqual(out);
    for (const args of [
      ['rdp', '["for", null]'],
      ['inp', '["for", null]', '--as', 'stranger'],
      ['replace', '["for", null]', '["x"]', '--as', 'stranger'],
    ])
      expect(await work.run(...args)).toMatchObject({ status: 1, out: '{"entry":null}\n' });
    const people = await work.runPlain('rdp', '["for", null]', '--as', 'member');
    expect(people.out).toMatch(
      /^id +owner +readers +takers +tuple\n\d+ +admin +member, stranger +member +\[/,
    );
  });

  it('that are hidden still keep cas from inserting, which is all it says', async () => {
    const cas = await work.run('cas', '["for", null]', '["for", "me"]');
    expect([cas.status, resultOf(cas)]).toEqual([1, { inserted: false, entry: null }]);
    await succeed('inp', '["for", null]', '--as', 'member');
  });

  it('are for clients that there are', async () => {
    expectRefusal(await work.run('out', '["x"]', '--readers', 'nobody'), 'NO_SUCH_CLIENT', {
      client: 'nobody',
    });
  });
});

describe('administration', () => {
  it.each([
    [['client', 'add', 'friend']],
    [['client', 'revoke', 'stranger']],
    [['client', 'pardon', 'stranger']],
    [['client', 'list']],
    [['space', 'create', 'mine']],
    [['space', 'set-policy', 'denied', 'none']],
    [['space', 'delete', 'denied']],
  ])('%s is the business of the admin', async (args) => {
    expectRefusal(await work.run(...args, '--as', 'member'), 'ADMIN_ONLY');
    expect(existsSync(join(work.directory, '.theodora/clients/friend'))).toBe(false);
  });

  it('every client may see what spaces there are and what holds in them', async () => {
    const listed = await work.run('space', 'list', '--as', 'member');
    const spaces = listed.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { space: { name: string } }).space.name);
    expect(spaces).toEqual(expect.arrayContaining(['allowed', 'default', 'denied', 'endless', 'failing']));
    const shown = await succeed('space', 'show', 'denied', '--as', 'stranger');
    const { digest } = await succeed('policy', 'check', policyFile('denying'));
    const open = { entries: null, bytes: null, waits: null };
    expect(shown).toEqual({
      space: {
        name: 'denied',
        insert: null,
        readers: null,
        takers: null,
        confidential: false,
        quota: open,
        clientQuota: open,
        policy: { digest, rules: ['out', 'rdp', 'in'] },
        entries: 0,
        bytes: null,
        waits: 0,
        subscriptions: 0,
        changes: [{ time: expect.any(Number) as number, by: 'admin', digest }],
      },
    });
    const people = await work.runPlain('space', 'show', 'allowed');
    expect(people.out).toMatch(/^space +allowed\ninsert +member\n/);
    expect(people.out).toMatch(/\npolicy +[0-9a-f]{64}\nrules +out, rdp, rd, /);
  });

  it.each([
    ['a name twice', ['space', 'create', 'denied'], 3, 'SPACE_EXISTS'],
    ['a name that is none', ['space', 'create', 'no name'], 3, 'INVALID_NAME'],
    [
      'a list with a name of nobody',
      ['space', 'create', 'x', '--insert', 'member,nobody'],
      3,
      'NO_SUCH_CLIENT',
    ],
    ['a space that is not there', ['space', 'show', 'x'], 3, 'NO_SUCH_SPACE'],
    ['a client that is not there', ['client', 'revoke', 'nobody'], 3, 'NO_SUCH_CLIENT'],
    ['a client twice', ['client', 'add', 'member'], 2, 'FILE_EXISTS'],
    ['a pardon for nobody', ['client', 'pardon', 'nobody'], 3, 'NO_SUCH_CLIENT'],
    ['the end of the admin', ['client', 'revoke', 'admin'], 3, 'ADMIN_STAYS'],
    ['a policy that is none', ['space', 'create', 'x', '--policy', 'none.ts'], 2, 'POLICY_INVALID'],
  ])('%s is refused', async (_, args, status, code) => {
    const finished = await work.run(...args);
    expect([finished.status, errorOf(finished)]).toMatchObject([status, { code }]);
  });
});

describe('keys that are there', () => {
  it('are registered under another name only if they are nobodys', async () => {
    const { publicKey } = generateIdentityKey().key;
    expect(await succeed('client', 'add', 'robot', '--key', publicKey)).toEqual({
      client: 'robot',
      key: publicKey,
    });
    expect(existsSync(join(work.directory, '.theodora/clients/robot'))).toBe(false);
    expectRefusal(await work.run('client', 'add', 'android', '--key', publicKey), 'KEY_TAKEN', {
      client: 'robot',
    });
    expectRefusal(await work.run('client', 'add', 'Robot', '--key', 'ab'.repeat(32)), 'NAME_TAKEN', {
      client: 'robot',
    });
  });
});

describe('a client that is revoked', () => {
  it('can do nothing any more, and its name is never given again', async () => {
    await succeed('out', '["left"]', '--as', 'gone');
    const waiting = work.start('rd', '["never"]', '--as', 'gone');
    for (;;) {
      const { space } = (await succeed('space', 'show', 'default')) as { space: { waits: number } };
      if (space.waits === 1) break;
    }
    const revoked = await succeed('client', 'revoke', 'gone');
    expect(revoked).toEqual({
      client: 'gone',
      key: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      added: expect.any(Number) as number,
      revoked: expect.any(Number) as number,
      blacklisted: null,
      forgedRepairs: 0,
    });
    expect((await waiting.finished).status).not.toBe(0);
    expectRefusal(await work.run('out', '["x"]', '--as', 'gone'), 'UNKNOWN_CLIENT');
    expect(await succeed('inp', '["left"]')).toMatchObject({ entry: { owner: 'gone' } });

    rmSync(join(work.directory, '.theodora/clients/gone'), { recursive: true });
    expectRefusal(await work.run('client', 'add', 'gone'), 'NAME_TAKEN', { client: 'gone' });
    expect(existsSync(join(work.directory, '.theodora/clients/gone'))).toBe(false);
    const listed = await work.run('client', 'list');
    expect(
      listed.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { client: 'admin', added: null, revoked: null },
      { client: 'member', revoked: null },
      { client: 'stranger', revoked: null },
      revoked,
      { client: 'robot', revoked: null },
    ]);
  });
});

describe('whoever waits or follows', () => {
  it('hears that another policy denies it', async () => {
    await succeed('space', 'create', 'changing', '--policy', policyFile('allowing'));
    const following = work.start(
      'subscribe',
      '[null]',
      '--from',
      '1',
      '--space',
      'changing',
      '--as',
      'member',
    );
    await succeed('out', '["before"]', '--space', 'changing');
    await following.event({ event: 'inserted' });
    const { space } = await succeed('space', 'set-policy', 'changing', policyFile('denying'));
    expect((space as { changes: unknown[] }).changes).toHaveLength(2);
    const finished = await following.finished;
    expect([finished.status, errorOf(finished)]).toMatchObject([
      3,
      { code: 'POLICY_DENIED', rule: 'subscribe' },
    ]);
    expect(resultOf(finished)).toMatchObject({ event: 'inserted', entry: { tuple: ['before'] } });
    const open = await succeed('space', 'set-policy', 'changing', 'none');
    expect(open).toMatchObject({ space: { policy: null } });
    await succeed('inp', '["before"]', '--space', 'changing');
  });

  it('hears that the space is gone', async () => {
    await succeed('space', 'create', 'short-lived');
    const common = ['--space', 'short-lived', '--as', 'member'];
    const following = work.start('subscribe', '[null]', '--from', '1', ...common);
    await succeed('out', '["before"]', ...common);
    await following.event({ event: 'inserted' });
    const waiting = work.start('in', '["never"]', ...common);
    for (;;) {
      const { space } = (await succeed('space', 'show', 'short-lived')) as { space: { waits: number } };
      if (space.waits === 1) break;
    }
    const deleted = await succeed('space', 'delete', 'short-lived');
    expect(deleted).toMatchObject({ space: { name: 'short-lived', entries: 1, waits: 1, subscriptions: 1 } });
    for (const one of [following, waiting]) {
      const finished = await one.finished;
      expect([finished.status, errorOf(finished)]).toMatchObject([3, { code: 'SPACE_DELETED' }]);
    }
    expectRefusal(await work.run('count', '[null]', ...common), 'NO_SUCH_SPACE');
  });
});
