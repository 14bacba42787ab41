/** Clients and spaces under ordered administration, and what becomes of those who wait and are told. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clientName, sessionId } from '../../../src/base/index.js';
import {
  any,
  decodeResult,
  encodeOperation,
  normalizeTemplate,
  normalizeTuple,
  type Operation,
  type SpaceConfig,
} from '../../../src/codec/index.js';
import { createService } from '../../../src/service/index.js';
import { GuardedService, keyOf, openConfig, policyOf, sha256 } from '../../support/guarded-service.js';

const [admin, alice, bob] = [clientName('admin'), clientName('alice'), clientName('bob')];
const template = (...fields: unknown[]) => normalizeTemplate(fields);
const refused = (code: string, subject?: string, detail = 0) => ({
  kind: 'refused',
  code,
  detail,
  ...(subject === undefined ? {} : { subject }),
});
const add = (name: string) => ({ kind: 'clientAdd', name, publicKey: keyOf(name) }) as const;
const revoke = (name: string) => ({ kind: 'clientRevoke', name }) as const;
const policy = policyOf('out: true, rd: true, subscribe: ({ invoker }) => invoker === "bob"');

let service: GuardedService;
const out = (client: string, space: string, ...values: unknown[]) =>
  service.ask(client, { kind: 'out', tuple: normalizeTuple(values), lease: null }, space);

beforeEach(() => {
  service = new GuardedService();
});

const untouched = { revokedAt: null, blacklisted: null, forgedRepairs: 0 };

describe('clients', () => {
  it('are added, and may then use the service', () => {
    expect(out('carol', 'default', 1)).toEqual(refused('UNKNOWN_CLIENT'));
    expect(service.service.isClient(keyOf('carol'))).toBe(false);
    expect(service.read('carol', { kind: 'count', template: template(any) })).toBe(null);
    const client = { name: 'carol', publicKey: keyOf('carol'), addedAt: 1_000, ...untouched };
    expect(service.administer(add('carol'))).toEqual({ kind: 'client', client });
    expect(service.service.isClient(keyOf('carol'))).toBe(true);
    expect(out('carol', 'default', 1)).toMatchObject({ entry: { owner: 'carol' } });
    expect(service.read('carol', { kind: 'count', template: template(any) })).toMatchObject({ count: 1 });
    expect(service.administer({ kind: 'clientList' })).toMatchObject({
      clients: [{ name: admin, addedAt: 0 }, { name: alice }, { name: bob }, client],
    });
  });

  it('keep their names and keys to themselves', () => {
    expect(service.administer(add('alice'))).toEqual(refused('NAME_TAKEN', 'alice'));
    expect(service.administer(add('ALICE'))).toEqual(refused('NAME_TAKEN', 'alice'));
    expect(service.administer({ ...add('alice'), name: 'alias' })).toEqual(refused('KEY_TAKEN', 'alice'));
    service.administer(revoke('alice'));
    expect(service.administer({ ...add('alice'), publicKey: keyOf('new') })).toEqual(
      refused('NAME_TAKEN', 'alice'),
    );
    expect(service.administer({ ...add('alice'), name: 'alias' })).toEqual(refused('KEY_TAKEN', 'alice'));
  });

  it.each(['', '-a', 'a b', 'ä', 'replica-0', 'x'.repeat(65)])('are not called %j', (name) => {
    expect(service.administer(add(name))).toEqual(refused('INVALID_NAME'));
    expect(service.create(name)).toEqual(refused('INVALID_NAME'));
  });

  it('are revoked: the service is told to end them, their entries stay', () => {
    out('alice', 'default', 'hers');
    service.advanceTime(2_000);
    expect(service.administer(revoke('alice'))).toMatchObject({
      client: { name: alice, revokedAt: 2_000 },
    });
    expect(service.effects.endedClients).toEqual([keyOf('alice')]);
    expect(out('alice', 'default', 1)).toEqual(refused('UNKNOWN_CLIENT'));
    expect(service.read('alice', { kind: 'rdp', template: template(any) })).toBe(null);
    expect(service.read('bob', { kind: 'rdp', template: template(any) })).toMatchObject({
      entry: { owner: alice },
    });
    service.advanceTime(3_000);
    expect(service.administer(revoke('alice'))).toMatchObject({ client: { revokedAt: 2_000 } });
    service.restore();
    expect(service.service.isClient(keyOf('alice'))).toBe(false);
    expect(service.administer({ kind: 'clientList' })).toMatchObject({
      clients: [{}, { revokedAt: 2_000 }, {}],
    });
  });

  it('cannot be revoked if unknown, or the admin', () => {
    expect(service.administer(revoke('carol'))).toEqual(refused('NO_SUCH_CLIENT', 'carol'));
    expect(service.administer(revoke('no name'))).toEqual(refused('NO_SUCH_CLIENT'));
    expect(service.administer(revoke('admin'))).toEqual(refused('ADMIN_STAYS'));
  });

  it('are all admitted, and called by their keys, where nobody is registered; nobody administers', () => {
    const open = createService({ hash: sha256 });
    const key = keyOf('anybody');
    expect(open.isClient(key)).toBe(true);
    const ask = (operation: Operation) => {
      const request = {
        client: key,
        session: sessionId(1),
        number: 1,
        time: 0,
        mayWait: true,
        isVerified: true,
      };
      return decodeResult(
        open.execute({ ...request, operation: encodeOperation(operation) }, service.effects)!,
      );
    };
    const readers = [clientName(key)];
    const tuple = normalizeTuple([1]);
    expect(ask({ kind: 'out', space: 'default', tuple, lease: null, readers })).toMatchObject({
      entry: { owner: key, readers },
    });
    expect(ask({ kind: 'spaceCreate', space: 'jobs', config: openConfig })).toEqual(refused('ADMIN_ONLY'));
  });
});

describe('administration', () => {
  it.each([
    [add('carol'), ''],
    [revoke('bob'), ''],
    [{ kind: 'clientList' }, ''],
    [{ kind: 'spaceCreate', config: openConfig }, 'new'],
    [{ kind: 'spaceSetPolicy', policy: null }, 'default'],
    [{ kind: 'spaceDelete' }, 'default'],
  ] as const)('is for the admin: %j', (operation, space) => {
    const { root } = service;
    expect(service.ask('alice', operation, space)).toEqual(refused('ADMIN_ONLY'));
    expect(service.ask('stranger', operation, space)).toEqual(refused('UNKNOWN_CLIENT'));
    expect(service.root).toBe(root);
    expect(service.ask('admin', operation, space)?.kind).not.toBe('refused');
  });

  it('lets everybody see what spaces there are', () => {
    service.create('jobs', { policy });
    out('alice', 'jobs', 1);
    expect(service.administer({ kind: 'spaceList' }, 'bob')).toMatchObject({
      spaces: [
        { name: 'default', entries: 0, policyDigest: null },
        { name: 'jobs', entries: 1, policyDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      ],
    });
    expect(service.ask('bob', { kind: 'spaceShow' }, 'default')).toMatchObject({
      space: { name: 'default', config: openConfig, changes: [{ by: admin, time: 0, digest: null }] },
    });
    expect(service.ask('bob', { kind: 'spaceShow' }, 'missing')).toEqual(refused('NO_SUCH_SPACE'));
  });
});

describe('a space', () => {
  const config: SpaceConfig = {
    insert: [alice, bob],
    readers: [bob],
    takers: null,
    quota: { entries: 5, bytes: 1_000, waits: null },
    clientQuota: { entries: null, bytes: null, waits: 2 },
    policy,
    confidential: null,
  };

  it('is created as configured, the same after a restore', () => {
    const created = service.create('jobs', config);
    expect(created).toMatchObject({ kind: 'space', space: { name: 'jobs', config, entries: 0, bytes: 0 } });
    expect(service.create('jobs')).toEqual(refused('SPACE_EXISTS'));
    const { root } = service;
    service.restore();
    expect(service.root).toBe(root);
    expect(service.ask('alice', { kind: 'spaceShow' }, 'jobs')).toEqual(created);
    expect(service.create('jobs')).toEqual(refused('SPACE_EXISTS'));
    expect(service.ask('bob', { kind: 'rdp', template: template(any) }, 'jobs')).toEqual(
      refused('POLICY_DENIED', 'rdp'),
    );
  });

  it('is refused with names that are no clients’, or too many, and with a module that is no policy', () => {
    const stranger = clientName('stranger');
    for (const list of ['insert', 'readers', 'takers'])
      expect(service.create('jobs', { [list]: [alice, stranger] })).toEqual(
        refused('NO_SUCH_CLIENT', 'stranger'),
      );
    const many = Array.from({ length: 256 }, (_, i) => clientName(`c${1_000 + i}`));
    expect(service.create('jobs', { insert: many })).toEqual(refused('NO_SUCH_CLIENT', 'c1000'));
    const more = [...many, clientName('c9999')];
    expect(service.create('jobs', { readers: more })).toEqual(refused('TOO_MANY_NAMES', undefined, 256));
    const source = policyOf('out: () => Date.now() > 0');
    expect(service.create('jobs', { policy: source })).toEqual(refused('POLICY_INVALID', 'name:2:42'));
    expect(service.create('jobs', { policy: '' })).toMatchObject({ code: 'POLICY_INVALID' });
    expect(service.ask('alice', { kind: 'spaceShow' }, 'jobs')).toEqual(refused('NO_SUCH_SPACE'));
  });

  it('narrows entries to clients that there are', () => {
    const tuple = normalizeTuple(['a']);
    for (const list of ['readers', 'takers']) {
      const ask = (name: string) =>
        service.ask('alice', { kind: 'out', tuple, lease: null, [list]: [clientName(name)] });
      expect(ask('stranger')).toEqual(refused('NO_SUCH_CLIENT', 'stranger'));
      expect(ask('bob')).toMatchObject({ entry: { [list]: ['bob'] } });
    }
  });

  it('remembers its policies, by whom and when, the last 64', () => {
    service.create('jobs', config);
    const digest = (source: string | null) => {
      service.ask('admin', { kind: 'spaceSetPolicy', policy: source }, 'jobs');
      const shown = service.ask('bob', { kind: 'spaceShow' }, 'jobs');
      return shown?.kind === 'space' ? shown.space : null;
    };
    service.advanceTime(5_000);
    const bare = digest(null)!;
    expect(bare.config).toEqual({ ...config, policy: null });
    expect(bare.changes.slice(1)).toEqual([{ by: admin, time: 5_000, digest: null }]);
    const again = digest(policy)!;
    expect(again.policyDigest).toBe(again.changes[0]!.digest);
    for (let i = 0; i < 70; i++) digest(null);
    expect(digest(policy)!.changes).toHaveLength(64);
    service.restore();
    expect(digest(policy)!.changes).toHaveLength(64);
    expect(service.ask('admin', { kind: 'spaceSetPolicy', policy: 'no' }, 'jobs')).toMatchObject({
      code: 'POLICY_INVALID',
    });
    expect(service.ask('admin', { kind: 'spaceSetPolicy', policy: null }, 'no')).toEqual(
      refused('NO_SUCH_SPACE'),
    );
  });

  it('is deleted with all that is in it; its name is free again', () => {
    service.create('jobs');
    const empty = service.root;
    for (let i = 0; i < 100; i++)
      service.ask(
        'alice',
        { kind: 'out', tuple: normalizeTuple([i]), lease: i % 2 === 0 ? null : 9_000 },
        'jobs',
      );
    const { size } = service.service.checkpoint().pages;
    expect(service.ask('admin', { kind: 'spaceDelete' }, 'jobs')).toMatchObject({
      space: { name: 'jobs', entries: 100 },
    });
    expect(service.service.nextDeadline()).toBe(null);
    expect(service.service.checkpoint().pages.size).toBeLessThan(size - 3);
    expect(out('alice', 'jobs', 1)).toEqual(refused('NO_SUCH_SPACE'));
    expect(service.create('jobs')).toMatchObject({ space: { entries: 0 } });
    expect(service.root).not.toBe(empty);
    expect(out('alice', 'jobs', 1)).toMatchObject({ entry: { id: 101n } });
    const { root } = service;
    service.restore();
    expect(service.root).toBe(root);
  });

  it('takes the default one along if the admin says so, for good', () => {
    service.ask('admin', { kind: 'spaceDelete' }, 'default');
    service.restore();
    expect(out('alice', 'default', 1)).toEqual(refused('NO_SUCH_SPACE'));
  });
});

describe('those who wait', () => {
  const wait = (client: string) =>
    service.ask(client, { kind: 'in', template: template('job'), timeout: 50_000 }, 'jobs');

  it('learn that the space is gone, in order of arrival (pitfall 30)', () => {
    service.create('jobs');
    expect([wait('alice'), wait('bob')]).toEqual([null, null]);
    const last = service.lastNumber;
    service.restore();
    service.ask('admin', { kind: 'spaceDelete' }, 'jobs');
    expect(service.effects.resolved).toMatchObject([
      { number: last - 1, result: refused('SPACE_DELETED') },
      { number: last, result: refused('SPACE_DELETED') },
    ]);
    expect(service.service.nextDeadline()).toBe(null);
  });

  it('are asked about again when a match comes, and passed over', () => {
    service.create('jobs', { policy: policyOf('out: true, in: true') });
    expect([wait('alice'), wait('bob')]).toEqual([null, null]);
    const number = service.lastNumber;
    const late = policyOf('out: true, in: ({ invoker }) => invoker === "bob"');
    service.ask('admin', { kind: 'spaceSetPolicy', policy: late }, 'jobs');
    expect(service.effects.resolved).toEqual([]);
    service.restore();
    out('alice', 'jobs', 'job');
    expect(service.effects.resolved).toMatchObject([
      { number: number - 1, result: refused('POLICY_DENIED', 'in') },
      { number, result: { kind: 'entry', entry: { tuple: ['job'] } } },
    ]);
    expect(service.service.refusals()).toEqual([
      { code: 'POLICY_DENIED', client: 'alice', space: 'jobs', count: 1 },
    ]);
  });

  it('are asked about with the space as it is then, at ordered time', () => {
    const rule = '({ space, time }) => time < 5000 || space.count(template("job")) > 1';
    service.create('jobs', { policy: policyOf(`out: true, in: ${rule}`) });
    wait('alice');
    wait('bob');
    service.advanceTime(5_000);
    out('alice', 'jobs', 'job');
    expect(service.effects.resolved.map(({ result }) => result)).toEqual([
      refused('POLICY_DENIED', 'in'),
      refused('POLICY_DENIED', 'in'),
    ]);
  });
});

describe('those who are told', () => {
  const subscribing = (from: number | null) =>
    ({ kind: 'subscribe', template: template(any), from }) as const;
  const subscribe = (client: string, from: number | null = null): number => {
    expect(service.ask(client, subscribing(from), 'jobs')).toMatchObject({ kind: 'subscribed' });
    return service.lastNumber;
  };
  const cancel = (client: string, number: number) =>
    service.ask(client, { kind: 'cancel', session: sessionId(1), number }, 'jobs');

  it('hear what came before, then that the space is gone; then nothing is left of it', () => {
    service.create('jobs');
    const number = subscribe('alice');
    out('bob', 'jobs', 'job');
    service.ask('admin', { kind: 'spaceDelete' }, 'jobs');
    const last = { kind: 'ended', code: 'SPACE_DELETED' };
    service.create('jobs');
    service.restore();
    out('bob', 'jobs', 'another');
    expect(service.told('alice', number)).toMatchObject([{ kind: 'inserted' }, last]);
    expect(service.told('alice', number, 1)).toEqual([last]);
    expect(service.told('alice', number, 2)).toEqual([]);
    const { pages } = service.service.checkpoint();
    expect(cancel('alice', number)).toEqual({ kind: 'cancelled' });
    expect(service.told('alice', number)).toBe(null);
    expect(service.service.checkpoint().pages.size).toBeLessThan(pages.size - 1);
    service.restore();
    expect(service.ask('bob', { kind: 'count', template: template(any) }, 'jobs')).toMatchObject({
      count: 1,
    });
  });

  it('cannot go on in another space of the name as if nothing had happened', () => {
    for (const events of [0, 1, 63, 64, 65]) {
      service.create('jobs');
      const { from } = service.ask('alice', subscribing(null), 'jobs') as { from: number };
      for (let i = 0; i < events; i++) out('bob', 'jobs', i);
      service.ask('admin', { kind: 'spaceDelete' }, 'jobs');
      service.restore();
      service.create('jobs');
      const truncated = service.ask('alice', subscribing(from + events), 'jobs');
      const first = (service.ask('alice', subscribing(null), 'jobs') as { from: number }).from;
      expect(first).toBeGreaterThan(from + events);
      expect(truncated).toEqual(refused('HISTORY_TRUNCATED', undefined, first));
      out('bob', 'jobs', 'new');
      service.restore();
      expect(service.told('alice', service.lastNumber - 1)).toMatchObject([{ kind: 'inserted' }]);
      service.service.endSession(sessionId(1));
      service.ask('admin', { kind: 'spaceDelete' }, 'jobs');
    }
  });

  it('leave nothing of a deleted space either when their session ends', () => {
    service.create('jobs');
    const before = service.root;
    service.ask('admin', { kind: 'spaceDelete' }, 'jobs');
    service.create('jobs');
    subscribe('alice');
    service.ask('admin', { kind: 'spaceDelete' }, 'jobs');
    const { size } = service.service.checkpoint().pages;
    service.service.endSession(sessionId(1));
    expect(service.service.checkpoint().pages.size).toBe(size - 2);
    expect(service.root).not.toBe(before);
  });

  it('are told no more once another policy denies it', () => {
    service.create('jobs', { policy: policyOf('out: true, subscribe: true') });
    const [hers, his] = [subscribe('alice'), subscribe('bob')];
    out('bob', 'jobs', 1);
    service.effects.notified.length = 0;
    service.ask('admin', { kind: 'spaceSetPolicy', policy }, 'jobs');
    expect(service.effects.notified).toEqual([[1, hers]]);
    out('bob', 'jobs', 2);
    service.restore();
    expect(service.told('alice', hers)).toMatchObject([
      { kind: 'inserted', entry: { tuple: [1] } },
      { kind: 'ended', code: 'POLICY_DENIED', subject: 'subscribe' },
    ]);
    expect(service.told('bob', his)).toMatchObject([{ entry: { tuple: [1] } }, { entry: { tuple: [2] } }]);
    service.ask('admin', { kind: 'spaceSetPolicy', policy: policyOf('out: true') }, 'jobs');
    expect(service.told('alice', hers)).toHaveLength(2);
    expect(service.told('bob', his)).toHaveLength(3);
    expect(cancel('bob', hers)).toEqual(refused('NO_SUCH_WAIT'));
    expect(cancel('alice', hers)).toEqual({ kind: 'cancelled' });
  });

  it.each<[string, () => void, object]>([
    [
      'by another policy',
      () => service.ask('admin', { kind: 'spaceSetPolicy', policy }, 'jobs'),
      { code: 'POLICY_DENIED', subject: 'subscribe' },
    ],
    [
      'with its space',
      () => service.ask('admin', { kind: 'spaceDelete' }, 'jobs'),
      { code: 'SPACE_DELETED' },
    ],
  ])(
    'hear of the end %s at once, also while they wait for a later event than the next',
    (_how, end, told) => {
      service.create('jobs');
      const number = subscribe('alice', 9);
      out('bob', 'jobs', 1);
      end();
      expect(service.told('alice', number, 8)).toEqual([{ kind: 'ended', ...told }]);
      expect(service.told('alice', number, 9)).toEqual([]);
    },
  );

  it('do not hear of entries that they may not read', () => {
    service.create('jobs');
    const number = subscribe('alice');
    const hidden = { readers: [bob] };
    service.ask('bob', { kind: 'out', tuple: normalizeTuple([1]), lease: null, ...hidden }, 'jobs');
    out('bob', 'jobs', 2);
    service.ask('bob', { kind: 'inAll', template: template(any), limit: 0 }, 'jobs');
    const told = () => service.told('alice', number)!.map((event) => event.kind);
    expect(told()).toEqual(['inserted', 'taken']);
    service.restore();
    expect(told()).toEqual(['inserted', 'taken']);
    expect(service.told('bob', number)).toBe(null);
  });
});

describe('a renewal', () => {
  it('is of one’s own entry unless a rule decides', () => {
    service.create('jobs');
    const renew = (client: string) =>
      service.ask(client, { kind: 'renew', template: template('job'), lease: 50_000 }, 'jobs');
    const mine = { kind: 'out', tuple: normalizeTuple(['job']), lease: 9_000 } as const;
    service.ask('alice', mine, 'jobs');
    expect(renew('bob')).toEqual({ kind: 'entry', entry: null });
    const set = (rules: string) =>
      service.ask('admin', { kind: 'spaceSetPolicy', policy: policyOf(rules) }, 'jobs');
    set('renew: true');
    expect(renew('bob')).toEqual({ kind: 'entry', entry: null });
    expect(renew('alice')).toMatchObject({ entry: { deadline: 51_000 } });
    set('renew: ({ owner, invoker }) => owner === invoker || invoker === "admin"');
    expect(renew('bob')).toEqual(refused('POLICY_DENIED', 'renew'));
    expect(renew('admin')).toMatchObject({ entry: { owner: alice, deadline: 51_000 } });
    set('renew: ({ tuple, owner }) => tuple === null && owner === null');
    expect(renew('alice')).toEqual(refused('POLICY_DENIED', 'renew'));
    service.advanceTime(51_000);
    expect(renew('alice')).toEqual({ kind: 'entry', entry: null });
  });
});
