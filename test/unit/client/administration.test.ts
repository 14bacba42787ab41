import { describe, expect, it } from 'vitest';
import { clientId, clientName, digest, sessionId } from '../../../src/base/index.js';
import type { Administration, SpaceConfiguration } from '../../../src/client/index.js';
import type { ClientRecord, RefusalCode, Result, SpaceDescription } from '../../../src/codec/index.js';
import { failure, ScriptedDriver } from './scripted-driver.js';

const key = 'ab'.repeat(32);
const policy = 'export default definePolicy({ out: true });\n';
const policyDigest = digest('cd'.repeat(32));
const open = { entries: null, bytes: null, waits: null };

const none = { policy: null, confidential: null };
const blacklisted = { time: 1_790_000_000_005, space: 'jobs', entry: 17n };

const bob: ClientRecord = {
  name: clientName('bob'),
  publicKey: clientId(key),
  addedAt: 1_790_000_000_000,
  revokedAt: null,
  blacklisted: null,
  forgedRepairs: 0,
};
const jobs: SpaceDescription = {
  name: 'jobs',
  config: {
    insert: [clientName('alice'), clientName('bob')],
    readers: null,
    takers: [],
    quota: { ...open, entries: 100 },
    clientQuota: open,
    policy,
    confidential: null,
  },
  policyDigest,
  entries: 3,
  bytes: 99,
  waits: 2,
  subscriptions: 1,
  changes: [
    { time: 1_790_000_000_000, by: clientName('admin'), digest: null },
    { time: 1_790_000_000_001, by: clientName('admin'), digest: policyDigest },
  ],
  keyOrigin: null,
};
const confidential = { tagKey: new Uint8Array(32), sealedKey: Uint8Array.of(1) };
const confidentialJobs: SpaceDescription = {
  ...jobs,
  config: { ...jobs.config, confidential },
  keyOrigin: { space: 'jobs', inserter: clientId(key), session: sessionId(3), number: 7 },
};
const jobsShown = {
  name: 'jobs',
  insert: ['alice', 'bob'],
  readers: null,
  takers: [],
  quota: { entries: 100, bytes: null, waits: null },
  clientQuota: open,
  policy,
  confidential: false,
  policyDigest,
  entries: 3,
  bytes: 99,
  waits: 2,
  subscriptions: 1,
  changes: jobs.changes,
};

/** What was sent, and what came of the answer. */
async function run(
  act: (admin: Administration) => Promise<unknown>,
  result: Result,
): Promise<{ operation: unknown; outcome: Promise<unknown>; driver: ScriptedDriver }> {
  const driver = new ScriptedDriver();
  const outcome = act(driver.client.admin);
  outcome.catch(() => undefined);
  await driver.last.answer(result);
  return { operation: driver.last.operation, outcome, driver };
}

const cases: readonly (readonly [
  string,
  (admin: Administration) => Promise<unknown>,
  object,
  Result,
  unknown,
])[] = [
  [
    'addClient',
    (admin) => admin.addClient('bob', key),
    { kind: 'clientAdd', space: '', name: 'bob', publicKey: key },
    { kind: 'client', client: bob },
    {
      name: 'bob',
      publicKey: key,
      addedAt: 1_790_000_000_000,
      revokedAt: null,
      blacklisted: null,
      forgedRepairs: 0,
    },
  ],
  [
    'revokeClient',
    (admin) => admin.revokeClient('bob'),
    { kind: 'clientRevoke', space: '', name: 'bob' },
    { kind: 'client', client: { ...bob, revokedAt: 1_790_000_000_009 } },
    { ...bob, revokedAt: 1_790_000_000_009 },
  ],
  [
    'pardonClient',
    (admin) => admin.pardonClient('bob'),
    { kind: 'clientPardon', space: '', name: 'bob' },
    { kind: 'client', client: { ...bob, forgedRepairs: 2 } },
    { ...bob, forgedRepairs: 2 },
  ],
  [
    'clients, one of whom is blacklisted,',
    (admin) => admin.clients(),
    { kind: 'clientList', space: '' },
    { kind: 'clients', clients: [{ ...bob, blacklisted }] },
    [{ ...bob, blacklisted }],
  ],
  [
    'describeSpace of a confidential one',
    (admin) => admin.describeSpace('jobs'),
    { kind: 'spaceShow', space: 'jobs' },
    { kind: 'space', space: confidentialJobs },
    { ...jobsShown, confidential: true },
  ],
  [
    'clients',
    (admin) => admin.clients(),
    { kind: 'clientList', space: '' },
    { kind: 'clients', clients: [{ ...bob, addedAt: 0 }] },
    [{ name: 'bob', publicKey: key, addedAt: null, revokedAt: null, blacklisted: null, forgedRepairs: 0 }],
  ],
  [
    'createSpace',
    (admin) =>
      admin.createSpace('jobs', {
        insert: ['bob', 'alice', 'bob'],
        takers: [],
        quota: { entries: 100 },
        policy,
      }),
    { kind: 'spaceCreate', space: 'jobs', config: jobs.config },
    { kind: 'space', space: jobs },
    jobsShown,
  ],
  [
    'createSpace without a configuration',
    (admin) => admin.createSpace('jobs'),
    {
      kind: 'spaceCreate',
      space: 'jobs',
      config: { insert: null, readers: null, takers: null, quota: open, clientQuota: open, ...none },
    },
    { kind: 'space', space: jobs },
    jobsShown,
  ],
  [
    'setPolicy',
    (admin) => admin.setPolicy('jobs', policy),
    { kind: 'spaceSetPolicy', space: 'jobs', policy },
    { kind: 'space', space: jobs },
    jobsShown,
  ],
  [
    'setPolicy to none',
    (admin) => admin.setPolicy('jobs', null),
    { kind: 'spaceSetPolicy', space: 'jobs', policy: null },
    { kind: 'space', space: jobs },
    jobsShown,
  ],
  [
    'deleteSpace',
    (admin) => admin.deleteSpace('jobs'),
    { kind: 'spaceDelete', space: 'jobs' },
    { kind: 'space', space: jobs },
    jobsShown,
  ],
  [
    'describeSpace',
    (admin) => admin.describeSpace('jobs'),
    { kind: 'spaceShow', space: 'jobs' },
    { kind: 'space', space: jobs },
    jobsShown,
  ],
  [
    'spaces',
    (admin) => admin.spaces(),
    { kind: 'spaceList', space: '' },
    { kind: 'spaces', spaces: [{ name: 'jobs', entries: 3, policyDigest, confidential: true }] },
    [{ name: 'jobs', entries: 3, policyDigest, confidential: true }],
  ],
];

describe('administration', () => {
  it.each(cases)(
    '%s is ordered, and answers with plain objects',
    async (_, act, operation, result, expected) => {
      const ran = await run(act, result);
      expect(ran.operation).toEqual(operation);
      expect(ran.driver.last.isFastRead).toBe(false);
      expect(await ran.outcome).toEqual(expected);
    },
  );

  it.each(cases)('%s refuses an answer of another kind', async (_, act) => {
    const { outcome } = await run(act, { kind: 'count', count: 1 });
    expect(await failure(outcome)).toMatchObject({ code: 'UNEXPECTED_RESULT' });
  });

  it.each([
    ['ADMIN_ONLY', '', {}, 'only the identity admin'],
    ['NAME_TAKEN', 'bob', { client: 'bob' }, '"bob"'],
    ['NO_SUCH_CLIENT', 'carol', { client: 'carol' }, '"carol"'],
    ['POLICY_INVALID', 'name:3:7', { problem: 'name:3:7' }, 'name:3:7'],
  ] as const)('tells of a refusal %s', async (code: RefusalCode, subject, fields, text) => {
    const { outcome } = await run((admin) => admin.createSpace('jobs'), {
      kind: 'refused',
      code,
      detail: 0,
      ...(subject === '' ? {} : { subject }),
    });
    const error = await failure(outcome);
    expect(error).toMatchObject({
      name: 'RefusedError',
      code,
      fields: { operation: 'spaceCreate', ...fields },
    });
    expect(String(error)).toContain(text);
  });

  it.each<readonly [string, string, (admin: Administration) => Promise<unknown>]>([
    ['a name that is none', 'CLIENT_NAME_INVALID', (admin) => admin.addClient('a b', key)],
    ['a name that names a replica', 'CLIENT_NAME_INVALID', (admin) => admin.addClient('replica-1', key)],
    ['a key that is none', 'CLIENT_KEY_INVALID', (admin) => admin.addClient('bob', key.toUpperCase())],
    ['no key', 'CLIENT_KEY_INVALID', (admin) => admin.addClient('bob', undefined as never)],
    ['a name that is none to revoke', 'CLIENT_NAME_INVALID', (admin) => admin.revokeClient('')],
    ['an empty space name', 'INVALID_SPACE_NAME', (admin) => admin.createSpace('')],
    ['no space name', 'INVALID_SPACE_NAME', (admin) => admin.deleteSpace(undefined as never)],
    ['a policy that is no text', 'POLICY_INVALID', (admin) => admin.setPolicy('jobs', 7 as never)],
    ['half of a surrogate pair', 'POLICY_INVALID', (admin) => admin.setPolicy('jobs', '\ud800')],
    ['an endless policy', 'POLICY_INVALID', (admin) => admin.setPolicy('jobs', ' '.repeat(2 ** 18 + 1))],
    ['an unknown option', 'UNKNOWN_OPTION', (admin) => admin.clients({ limit: 3 } as never)],
  ])('sends nothing with %s', async (_, code, act) => {
    const driver = new ScriptedDriver();
    expect(await failure(act(driver.client.admin))).toMatchObject({ name: 'InvalidInputError', code });
    expect(driver.calls).toEqual([]);
  });

  it.each<readonly [string, string, SpaceConfiguration]>([
    ['an unknown part', 'UNKNOWN_OPTION', { owner: 'bob' } as SpaceConfiguration],
    ['a list that is none', 'INVALID_NAMES', { insert: 'bob' as never }],
    ['a list with a wrong name', 'INVALID_NAMES', { takers: ['bob', '?'] }],
    ['an unknown quota', 'UNKNOWN_OPTION', { quota: { tuples: 3 } as never }],
    ['a negative quota', 'INVALID_OPTION', { quota: { entries: -1 } }],
    ['a quota with a fraction', 'INVALID_OPTION', { clientQuota: { waits: 0.5 } }],
    ['a policy that is no text', 'POLICY_INVALID', { policy: ['x'] as never }],
  ])('makes no space with %s', async (_, code, configuration) => {
    const driver = new ScriptedDriver();
    const error = await failure(driver.client.admin.createSpace('jobs', configuration));
    expect(error).toMatchObject({ name: 'InvalidInputError', code });
    expect(driver.calls).toEqual([]);
  });
});
