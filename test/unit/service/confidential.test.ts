/** Confidential spaces as the service keeps them: what goes in, who gets what is sealed, repairs and blacklists. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clientName, sessionId } from '../../../src/base/index.js';
import {
  any,
  encodeOperation,
  encodeRepairEvidence,
  encodeResult,
  formal,
  hidden,
  Tag,
  type Operation,
  type RefusalCode,
  type RepairSubject,
  type Result,
  type Sealed,
  type SpaceConfig,
  type Template,
  type Tuple,
} from '../../../src/codec/index.js';
import { defaultSpaceLimits } from '../../../src/space/index.js';
import { GuardedService, keyOf, policyOf, type Asked } from '../../support/guarded-service.js';

const tagKey = new Uint8Array(32).fill(0x6b);
const sealedKey = Uint8Array.of(7, 7);
const bytes = Uint8Array.of(1, 2, 3);
const [one, two] = [1, 2].map((byte) => new Tag('int', new Uint8Array(32).fill(byte)));
const vault = 'vault';
const names = ['admin', 'alice', 'bob', 'mallory'];

const valueOf = (value: Tag | string): Template[number] => ({ kind: 'value', value });
const everything: Template = [any, any, any];
const fingerprint = (tag: Tag = one!): Tuple => ['job', tag, hidden];
const out = (tuple: Tuple = fingerprint(), sealed: Uint8Array = bytes): Asked => ({
  ...{ kind: 'out', tuple, lease: null, sealed },
});
const listOf = (...members: string[]) => members.map(clientName);
const refused = (code: RefusalCode, detail = 0, subject?: string): Result => ({
  ...{ kind: 'refused', code, detail },
  ...(subject === undefined ? {} : { subject }),
});

let service: GuardedService;
beforeEach(() => {
  service = new GuardedService(names);
  create(vault);
});

function create(space: string, config: Partial<SpaceConfig> = {}): Result | null {
  return service.create(space, { confidential: { tagKey, sealedKey }, ...config });
}

/** Of the last request that was made. */
const sealedBy = (client: string, space = vault): Sealed => ({
  ...{ bytes, space, inserter: keyOf(client), session: sessionId(1), number: service.lastNumber },
});

/** Inserts; answers what evidence about the entry is about. */
function insert(client: string, fields: Asked = out(), space = vault): RepairSubject {
  const result = service.ask(client, fields, space);
  if (result?.kind !== 'entry') throw new Error(`nothing inserted: ${JSON.stringify(result?.kind)}`);
  const { tuple } = fields as Extract<Asked, { readonly kind: 'out' }>;
  return { id: result.entry!.id, fingerprint: tuple, sealed: sealedBy(client, space), tagKey };
}

function repair(client: string, subject: RepairSubject, isVerified = true, space = vault): Result | null {
  const evidence = encodeRepairEvidence({ subject, proof: Uint8Array.of(9) });
  return service.ask(client, { kind: 'repair', evidence }, space, isVerified);
}

function recordOf(name: string) {
  const listed = service.administer({ kind: 'clientList' });
  return listed?.kind === 'clients' ? listed.clients.find((client) => client.name === name)! : null;
}

/** Everything that can be seen of the state is the same after a restore. */
function expectRestorable(): void {
  const { root } = service;
  service.restore();
  expect(service.root).toBe(root);
}

describe('what goes into a space', () => {
  it('comes sealed where it is confidential', () => {
    const plain: Asked = { kind: 'out', tuple: ['job', 1], lease: null };
    expect(service.ask('alice', plain, vault)).toEqual(refused('SEALED_MISSING'));
    for (const kind of ['cas', 'replace'] as const) {
      const swap: Asked = { kind, template: everything, tuple: fingerprint(), lease: null };
      expect(service.ask('alice', swap, vault)).toEqual(refused('SEALED_MISSING'));
    }
    expect(service.ask('alice', out(['job', 1]), vault)).toMatchObject({ kind: 'entry' });
  });

  it.each<[string, Asked]>([
    ['something sealed', out(['job'])],
    ['a tag', { kind: 'out', tuple: [one!], lease: null }],
    ['something hidden', { kind: 'out', tuple: [hidden], lease: null }],
    ['a template with a tag', { kind: 'rdp', template: [valueOf(one!)] }],
    ['a wait for a tag', { kind: 'in', template: [valueOf(one!)], timeout: null }],
    ['a subscription to a tag', { kind: 'subscribe', template: [valueOf(one!)], from: null }],
    ['a swap for a tag', { kind: 'cas', template: [valueOf(one!)], tuple: [1], lease: null }],
    ['a repair', { kind: 'repair', evidence: Uint8Array.of(1) }],
  ])('is never %s where it is not', (_, fields) => {
    const { root } = service;
    expect(service.ask('alice', fields)).toEqual(refused('SPACE_NOT_CONFIDENTIAL'));
    // Every client asks for the key before it says anything about a space.
    const read = fields.kind === 'spaceKey' ? refused('SPACE_NOT_CONFIDENTIAL') : null;
    expect(service.read('alice', fields)).toEqual(read);
    expect(service.root).toBe(root);
  });

  it('is bounded, on its own and so that an entry fits into a result', () => {
    const limits = { tupleBytesMax: 1_000, resultBytesMax: 19_000 };
    service = new GuardedService(names, { limits });
    create(vault);
    const ask = (tuple: Tuple, length: number) =>
      service.ask('alice', out(tuple, new Uint8Array(length)), vault);
    const bound = 1_000 + (16 << 10);
    expect(ask(['job'], bound)).toMatchObject({ kind: 'entry' });
    expect(ask(['job'], bound + 1)).toEqual(refused('SEALED_TOO_LARGE', bound));
    expect(service.ask('bob', { kind: 'rdp', template: [any] }, vault)).toMatchObject({ entry: { id: 1n } });
    service = new GuardedService(names, { limits: { ...limits, resultBytesMax: 5_000 } });
    create(vault);
    const narrow = ask(['x'.repeat(900)], 9_000);
    expect(narrow).toMatchObject({ code: 'SEALED_TOO_LARGE' });
    const { detail } = narrow as Result & { kind: 'refused' };
    expect(detail).toBeGreaterThan(3_000);
    expect(ask(['x'.repeat(900)], detail)).toMatchObject({ kind: 'entry' });
    expect(service.ask('bob', { kind: 'rdAll', template: [any], limit: 0, after: 0n }, vault)).toMatchObject({
      entries: [{ id: 1n }],
    });
  });

  it('fills results to the last byte, the mark of what is sealed included', () => {
    const fill = (resultBytesMax: number): Result => {
      service = new GuardedService(names, { limits: { tupleBytesMax: 700, resultBytesMax } });
      create(vault);
      for (let i = 0; i < 5; i++) insert('alice', out(fingerprint(), new Uint8Array(200)));
      return service.ask('bob', { kind: 'rdAll', template: everything, limit: 0, after: 0n }, vault)!;
    };
    const all = fill(9_000);
    if (all.kind !== 'entries') throw new Error('all of them fit');
    const bytesOf4 = encodeResult({ ...all, entries: all.entries.slice(0, 4) }).length;
    expect(fill(bytesOf4)).toEqual(refused('RESULT_TOO_LARGE', 4));
    expect(fill(bytesOf4 - 1)).toEqual(refused('RESULT_TOO_LARGE', 3));
    expect(fill(encodeResult(all).length)).toEqual(all);
    expect(fill(encodeResult(all).length - 1)).toEqual(refused('RESULT_TOO_LARGE', 4));
  });

  it('counts against the quota of bytes with what is sealed', () => {
    create('small', { quota: { entries: null, bytes: 200, waits: null } });
    insert('alice', out(fingerprint(), new Uint8Array(100)), 'small');
    expect(service.ask('bob', { kind: 'spaceShow' }, 'small')).toMatchObject({ space: { bytes: 140 } });
    expect(service.ask('bob', out(), 'small')).toMatchObject({ kind: 'entry' });
    expect(service.ask('bob', out(), 'small')).toEqual(refused('QUOTA_EXCEEDED', 200, 'bytes'));
    service.ask('bob', { kind: 'inp', template: everything }, 'small');
    expect(service.ask('bob', { kind: 'spaceShow' }, 'small')).toMatchObject({ space: { bytes: 43 } });
  });

  it('is what a policy sees: fingerprints', () => {
    const rules = `out: ({ tuple, space }) => space.count(template(any, tuple[1], any)) === 0,
      rdp: ({ template: asked }) => asked[1] === asked[1],
      cas: ({ tuple, space }) => space.exists(template(tuple[2])), inp: true`;
    create('ruled', { policy: policyOf(rules) });
    insert('alice', out(), 'ruled');
    expect(service.ask('alice', out(), 'ruled')).toEqual(refused('POLICY_DENIED', 0, 'out'));
    insert('alice', out(fingerprint(two)), 'ruled');
    const template: Template = [any, valueOf(two!), any];
    expect(service.ask('bob', { kind: 'rdp', template }, 'ruled')).toMatchObject({ entry: { id: 2n } });
    const swap: Asked = { kind: 'cas', template: [], tuple: fingerprint(), lease: null, sealed: bytes };
    expect(service.ask('bob', swap, 'ruled')).toEqual(refused('POLICY_ERROR', 0, 'cas'));
  });
});

describe('what is sealed', () => {
  it('is with what readers and takers get, but not with what an insertion answers', () => {
    const inserted = service.ask('alice', out(), vault);
    const sealed = sealedBy('alice');
    const entry = { id: 1n, tuple: fingerprint(), owner: 'alice', deadline: null };
    const whole = { ...entry, sealed };
    expect(inserted).toEqual({ kind: 'entry', entry: { ...entry, tuple: [] } });
    expect(service.ask('bob', { kind: 'rdp', template: everything }, vault)).toEqual({
      kind: 'entry',
      entry: whole,
    });
    expect(service.read('bob', { kind: 'rdp', template: everything }, vault)).toEqual({
      kind: 'entry',
      entry: whole,
    });
    const all: Asked = { kind: 'rdAll', template: [any, formal.int, any], limit: 0, after: 0n };
    expect(service.read('bob', all, vault)).toEqual({ kind: 'entries', entries: [whole] });
    const swap = { template: everything, tuple: fingerprint(two), lease: null, sealed: bytes };
    expect(service.ask('bob', { kind: 'cas', ...swap }, vault)).toEqual({
      ...{ kind: 'cas', inserted: false, entry: whole },
    });
    expect(service.ask('bob', { kind: 'replace', ...swap }, vault)).toEqual({ kind: 'entry', entry: whole });
    const replaced = { ...entry, id: 2n, tuple: fingerprint(two), owner: 'bob', sealed: sealedBy('bob') };
    expect(service.ask('alice', { kind: 'inp', template: everything }, vault)).toEqual({
      kind: 'entry',
      entry: replaced,
    });
    const created = service.ask('alice', { kind: 'cas', ...swap, template: everything }, vault);
    expect(created).toEqual({
      ...{ kind: 'cas', inserted: true },
      entry: { ...entry, id: 3n, tuple: [] },
    });
  });

  it('is with late results, and with events however late they are read', () => {
    service.ask('bob', { kind: 'subscribe', template: everything, from: 1 }, vault);
    const subscription = service.lastNumber;
    service.ask('bob', { kind: 'in', template: [any, valueOf(one!), any], timeout: null }, vault);
    service.ask('alice', out(fingerprint(two)), vault);
    expect(service.effects.resolved).toEqual([]);
    const { sealed } = insert('alice');
    expect(service.effects.resolved).toMatchObject([
      { result: { kind: 'entry', entry: { id: 2n, sealed } } },
    ]);
    const told = [
      { kind: 'inserted', entry: { id: 1n } },
      { kind: 'inserted', entry: { id: 2n, sealed } },
      { kind: 'taken', entry: { id: 2n, sealed } },
    ];
    expect(service.told('bob', subscription)).toMatchObject(told);
    expectRestorable();
    expect(service.told('bob', subscription)).toMatchObject(told);
  });

  it('is with an entry that is renewed', () => {
    const subject = insert('alice', { ...out(), lease: 5_000 } as Asked);
    expect(service.ask('alice', { kind: 'renew', template: everything, lease: 9_000 }, vault)).toMatchObject({
      entry: { id: 1n, sealed: subject.sealed, deadline: 10_000 },
    });
    expectRestorable();
  });
});

describe('the key of a space', () => {
  const key = (number: number): Result => ({
    ...{ kind: 'spaceKey', tagKey },
    sealed: {
      ...{ bytes: sealedKey, space: 'keyed', inserter: keyOf('admin'), session: sessionId(1), number },
    },
  });

  it('is for whoever is on any of its lists, ordered or not', () => {
    create('keyed', { insert: listOf('admin'), readers: listOf('alice'), takers: listOf('bob') });
    const number = service.lastNumber;
    for (const name of ['admin', 'alice', 'bob']) {
      expect(service.ask(name, { kind: 'spaceKey' }, 'keyed')).toEqual(key(number));
      expect(service.read(name, { kind: 'spaceKey' }, 'keyed')).toEqual(key(number));
    }
    expect(service.ask('mallory', { kind: 'spaceKey' }, 'keyed')).toEqual(refused('ACL_DENIED', 0, 'any'));
    expect(service.read('mallory', { kind: 'spaceKey' }, 'keyed')).toBeNull();
    expect(service.ask('alice', { kind: 'spaceKey' }, 'missing')).toEqual(refused('NO_SUCH_SPACE'));
  });

  it('is not there in an ordinary space, as whoever asks is told without ordering', () => {
    service.create('plain', { insert: listOf('admin'), readers: listOf('admin'), takers: listOf('admin') });
    for (const name of ['admin', 'mallory']) {
      expect(service.ask(name, { kind: 'spaceKey' }, 'plain')).toEqual(refused('SPACE_NOT_CONFIDENTIAL'));
      expect(service.read(name, { kind: 'spaceKey' }, 'plain')).toEqual(refused('SPACE_NOT_CONFIDENTIAL'));
    }
  });

  it('stays what it is, and whose it is, with another policy and after a restore', () => {
    create('keyed');
    const number = service.lastNumber;
    service.ask('admin', { kind: 'spaceSetPolicy', policy: policyOf('out: true') }, 'keyed');
    expectRestorable();
    expect(service.ask('bob', { kind: 'spaceKey' }, 'keyed')).toEqual(key(number));
    expect(service.ask('bob', { kind: 'spaceShow' }, 'keyed')).toMatchObject({
      space: { config: { confidential: { tagKey, sealedKey } } },
    });
  });
});

describe('a repair', () => {
  const gone: readonly (readonly [string, () => void])[] = [
    ['still there', () => undefined],
    ['taken', () => service.ask('bob', { kind: 'inp', template: everything }, vault)],
    ['expired', () => service.advanceTime(20_000)],
    [
      'replaced',
      () => {
        const swap = { template: everything, tuple: fingerprint(two), lease: null, sealed: bytes };
        service.ask('bob', { kind: 'replace', ...swap }, vault);
      },
    ],
  ];

  it.each(gone)(
    'of an entry %s removes it, is told and blacklists who inserted it (pitfalls 35, 36)',
    (how, leave) => {
      const subject = insert('mallory', { ...out(), lease: 5_000 } as Asked);
      service.ask('bob', { kind: 'subscribe', template: everything, from: null }, vault);
      const subscription = service.lastNumber;
      leave();
      const before = service.told('bob', subscription)!.length;
      expect(repair('alice', subject)).toEqual({ kind: 'repaired', id: 1n, owner: 'mallory' });
      expect(service.told('bob', subscription)!.slice(before)).toMatchObject([
        { kind: 'repaired', entry: { id: 1n, owner: 'mallory', sealed: subject.sealed } },
      ]);
      const left = service.ask('bob', { kind: 'count', template: everything }, vault);
      expect(left).toEqual({ kind: 'count', count: how === 'replaced' ? 1 : 0 });
      const time = how === 'expired' ? 20_000 : 1_000;
      expect(recordOf('mallory')?.blacklisted).toEqual({ time, space: vault, entry: 1n });
      expectRestorable();
      expect(recordOf('mallory')?.blacklisted).toEqual({ time, space: vault, entry: 1n });
    },
  );

  it('again is answered alike and does nothing, pardoned or not', () => {
    const subject = insert('mallory');
    const first = repair('alice', subject);
    const { root } = service;
    expect(repair('bob', subject)).toEqual(first);
    expect(service.root).toBe(root);
    service.administer({ kind: 'clientPardon', name: 'mallory' });
    service.restore();
    const { root: pardoned } = service;
    expect(repair('alice', subject)).toEqual(first);
    expect(service.root).toBe(pardoned);
    expect(recordOf('mallory')?.blacklisted).toBeNull();
    expect(repair('alice', insert('mallory'))).toMatchObject({ kind: 'repaired', id: 2n });
    expect(recordOf('mallory')?.blacklisted).toMatchObject({ entry: 2n });
  });

  it('of a second entry of somebody blacklisted leaves the first reason', () => {
    const [first, second] = [insert('mallory'), insert('mallory', out(fingerprint(two)))];
    repair('alice', first);
    expect(repair('alice', second)).toEqual({ kind: 'repaired', id: 2n, owner: 'mallory' });
    expect(recordOf('mallory')?.blacklisted).toMatchObject({ entry: 1n });
  });

  it('that proves nothing only counts against its sender (pitfall 36)', () => {
    const subject = insert('mallory');
    const { root } = service;
    expect(repair('bob', subject, false)).toEqual(refused('REPAIR_UNPROVEN'));
    expect(recordOf('bob')).toMatchObject({ forgedRepairs: 1, blacklisted: null });
    expect(service.root).not.toBe(root);
    expectRestorable();
    const nothing: Asked = { kind: 'repair', evidence: Uint8Array.of(1, 2) };
    expect(service.ask('bob', nothing, vault)).toEqual(refused('REPAIR_UNPROVEN'));
    expect(recordOf('bob')).toMatchObject({ forgedRepairs: 2 });
    expect(recordOf('mallory')).toMatchObject({ blacklisted: null });
    expect(service.ask('bob', { kind: 'count', template: everything }, vault)).toEqual({
      ...{ kind: 'count', count: 1 },
    });
  });

  const others: readonly (readonly [string, (subject: RepairSubject) => Partial<RepairSubject>])[] = [
    ['with another fingerprint', () => ({ fingerprint: fingerprint(two) })],
    ['with another key to its tags', () => ({ tagKey: new Uint8Array(32) })],
    ['with other bytes', ({ sealed }) => ({ sealed: { ...sealed, bytes: Uint8Array.of(1) } })],
    ['of somebody else', ({ sealed }) => ({ sealed: { ...sealed, inserter: keyOf('alice') } })],
    ['of another request', ({ sealed }) => ({ sealed: { ...sealed, number: 1_000 } })],
    ['of another session', ({ sealed }) => ({ sealed: { ...sealed, session: sessionId(2) } })],
    ['of another space', ({ sealed }) => ({ sealed: { ...sealed, space: 'other' } })],
  ];

  it.each(others)('that proves something of an entry %s is a forgery', (_, change) => {
    const subject = insert('mallory');
    for (const leave of [() => undefined, gone[1]![1]]) {
      leave();
      expect(repair('bob', { ...subject, ...change(subject) })).toEqual(refused('REPAIR_UNPROVEN'));
    }
    expect(recordOf('bob')).toMatchObject({ forgedRepairs: 2 });
    expect(recordOf('mallory')).toMatchObject({ blacklisted: null });
    expect(recordOf('alice')).toMatchObject({ blacklisted: null });
  });

  it('of an entry taken longer ago than events are held changes nothing (pitfall 35)', () => {
    service = new GuardedService(names, { limits: { ...defaultSpaceLimits, eventsPerSpaceMax: 64 } });
    create(vault);
    create('other');
    const subject = insert('mallory');
    const { root } = service;
    expect(repair('bob', { ...subject, id: 99n })).toEqual(refused('NOTHING_TO_REPAIR'));
    expect(repair('bob', { ...subject, id: 2n ** 64n - 1n })).toEqual(refused('NOTHING_TO_REPAIR'));
    expect(repair('bob', subject, true, 'other')).toEqual(refused('NOTHING_TO_REPAIR'));
    expect(service.root).toBe(root);
    service.ask('bob', { kind: 'inp', template: everything }, vault);
    for (let i = 0; i < 64; i++) {
      insert('alice');
      service.ask('bob', { kind: 'inp', template: everything }, vault);
    }
    expect(repair('bob', subject)).toEqual(refused('NOTHING_TO_REPAIR'));
    expect(recordOf('mallory')).toMatchObject({ blacklisted: null });
  });

  it('finds an entry that is there although what happened to it is forgotten', () => {
    service = new GuardedService(names, { limits: { ...defaultSpaceLimits, eventsPerSpaceMax: 64 } });
    create(vault);
    const subject = insert('mallory', out(fingerprint(two)));
    for (let i = 0; i < 80; i++) {
      insert('alice');
      service.ask('bob', { kind: 'inp', template: [any, valueOf(one!), any] }, vault);
    }
    service.restore();
    expect(repair('bob', subject)).toEqual({ kind: 'repaired', id: 1n, owner: 'mallory' });
  });

  it('is for whoever is on any list, and asks no policy', () => {
    create('ruled', {
      insert: listOf('alice', 'mallory'),
      readers: [],
      takers: [],
      policy: policyOf('out: true'),
    });
    const subject = insert('mallory', out(), 'ruled');
    expect(repair('bob', subject, true, 'ruled')).toEqual(refused('ACL_DENIED', 0, 'any'));
    expect(repair('alice', subject, true, 'ruled')).toMatchObject({ kind: 'repaired' });
    expect(repair('alice', subject, true, 'missing')).toEqual(refused('NO_SUCH_SPACE'));
    expect(recordOf('bob')).toMatchObject({ forgedRepairs: 0 });
  });

  it('is judged by its evidence, and nothing else is', () => {
    const check = (operation: Operation) => service.service.slowCheck(encodeOperation(operation));
    const evidence = Uint8Array.of(1, 2, 3);
    expect(check({ kind: 'repair', space: vault, evidence })).toEqual(evidence);
    expect(check({ kind: 'spaceKey', space: vault })).toBeNull();
    expect(check({ kind: 'out', space: vault, tuple: [1], lease: null, sealed: bytes })).toBeNull();
    const repairing = encodeOperation({ kind: 'repair', space: vault, evidence });
    expect(service.service.slowCheck(repairing.subarray(0, -1))).toBeNull();
    expect(service.service.slowCheck(new Uint8Array(0))).toBeNull();
  });
});

describe('a blacklisted client', () => {
  it('can do nothing but cancel until it is pardoned', () => {
    service.ask('mallory', { kind: 'out', tuple: ['plain'], lease: null });
    repair('alice', insert('mallory'));
    const barred = refused('CLIENT_BLACKLISTED');
    const { root } = service;
    for (const fields of [out(), { kind: 'rdp', template: everything }, { kind: 'spaceKey' }] as Asked[]) {
      expect(service.ask('mallory', fields, vault)).toEqual(barred);
      expect(service.read('mallory', fields, vault)).toBeNull();
    }
    expect(service.ask('mallory', { kind: 'rdp', template: [any] })).toEqual(barred);
    expect(service.administer({ kind: 'spaceList' }, 'mallory')).toEqual(barred);
    expect(service.root).toBe(root);
    const cancel: Asked = { kind: 'cancel', session: sessionId(1), number: 999 };
    expect(service.ask('mallory', cancel, vault)).toEqual(refused('NO_SUCH_WAIT'));
    expect(service.ask('bob', { kind: 'rdp', template: [any] })).toMatchObject({
      entry: { owner: 'mallory' },
    });
    expect(service.service.isClient(keyOf('mallory'))).toBe(true);

    expect(service.administer({ kind: 'clientPardon', name: 'mallory' })).toMatchObject({
      ...{ kind: 'client', client: { name: 'mallory', blacklisted: null } },
    });
    expect(service.ask('mallory', out(), vault)).toMatchObject({ kind: 'entry' });
    expect(service.read('mallory', { kind: 'rdp', template: [any] })).not.toBeNull();
  });

  it('loses what it has waiting and subscribed in any space, and is told why', () => {
    const wait: Asked = { kind: 'in', template: [any, any], timeout: null };
    service.ask('mallory', wait);
    const waiting = service.lastNumber;
    service.ask('alice', wait);
    service.ask('mallory', { kind: 'subscribe', template: [any, any], from: null });
    const subscription = service.lastNumber;
    service.ask('bob', { kind: 'subscribe', template: [any, any], from: null });
    const another = service.lastNumber;
    repair('alice', insert('mallory'));
    expect(service.effects.resolved).toMatchObject([
      { number: waiting, result: { kind: 'refused', code: 'CLIENT_BLACKLISTED' } },
    ]);
    expect(service.told('mallory', subscription)).toEqual([{ kind: 'ended', code: 'CLIENT_BLACKLISTED' }]);
    expect(service.told('bob', another)).toEqual([]);
    expectRestorable();
    service.ask('bob', { kind: 'out', tuple: ['a', 1], lease: null });
    expect(service.effects.resolved).toHaveLength(2);
  });

  it('goes on administering if it is the admin', () => {
    repair('alice', insert('admin'));
    expect(service.ask('admin', out(), vault)).toEqual(refused('CLIENT_BLACKLISTED'));
    expect(recordOf('admin')?.blacklisted).not.toBeNull();
    service.administer({ kind: 'clientPardon', name: 'admin' });
    expect(service.ask('admin', out(), vault)).toMatchObject({ kind: 'entry' });
  });

  it('stays revoked if it is', () => {
    const subject = insert('mallory');
    service.administer({ kind: 'clientRevoke', name: 'mallory' });
    expect(repair('alice', subject)).toMatchObject({ kind: 'repaired' });
    expect(service.administer({ kind: 'clientPardon', name: 'mallory' })).toMatchObject({
      client: { blacklisted: null, revokedAt: 1_000 },
    });
    expect(service.ask('mallory', out(), vault)).toEqual(refused('UNKNOWN_CLIENT'));
  });
});

describe('a pardon', () => {
  it('is for the admin, names a client, and of one that is not blacklisted changes nothing', () => {
    const pardon = (name: string): Asked => ({ kind: 'clientPardon', name });
    const { root } = service;
    expect(service.administer(pardon('bob'))).toMatchObject({ client: { name: 'bob', blacklisted: null } });
    expect(service.administer(pardon('bob'), 'alice')).toEqual(refused('ADMIN_ONLY'));
    expect(service.administer(pardon('nobody'))).toEqual(refused('NO_SUCH_CLIENT', 0, 'nobody'));
    expect(service.administer(pardon('BOB'))).toEqual(refused('NO_SUCH_CLIENT', 0, 'BOB'));
    expect(service.root).toBe(root);
  });
});
