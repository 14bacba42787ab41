/** Every operation under every guard: which refuse, with what code, and that nothing happens then. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clientName } from '../../../src/base/index.js';
import { normalizeTemplate, normalizeTuple, type Quota } from '../../../src/codec/index.js';
import { GuardedService, policyOf, type Asked } from '../../support/guarded-service.js';

const [alice, bob] = [clientName('alice'), clientName('bob')];
const hit = normalizeTemplate(['there']);
const miss = normalizeTemplate(['missing']);
const added = normalizeTuple(['added']);

/** Each does something in a space with the timed entry ['there'] of alice. */
const operations: Record<string, Asked> = {
  out: { kind: 'out', tuple: added, lease: null },
  rdp: { kind: 'rdp', template: hit },
  rd: { kind: 'rd', template: hit, timeout: null },
  inp: { kind: 'inp', template: hit },
  in: { kind: 'in', template: hit, timeout: null },
  cas: { kind: 'cas', template: miss, tuple: added, lease: null },
  replace: { kind: 'replace', template: hit, tuple: added, lease: null },
  renew: { kind: 'renew', template: hit, lease: 90_000 },
  rdAll: { kind: 'rdAll', template: hit, limit: 0, after: 0n },
  inAll: { kind: 'inAll', template: hit, limit: 0 },
  count: { kind: 'count', template: hit },
  subscribe: { kind: 'subscribe', template: hit, from: null },
};
const names = Object.keys(operations);
const lists: Record<string, readonly ('insert' | 'readers' | 'takers')[]> = {
  ...{ out: ['insert'], cas: ['insert'], renew: ['insert'], replace: ['insert', 'takers'] },
  ...{ rdp: ['readers'], rd: ['readers'], rdAll: ['readers'], count: ['readers'], subscribe: ['readers'] },
  ...{ inp: ['takers'], in: ['takers'], inAll: ['takers'] },
};
const rules = (rule: string): string => policyOf(names.map((name) => `${name}: ${rule}`).join(', '));

let service: GuardedService;

beforeEach(() => {
  service = new GuardedService();
});

/** A space with one entry, inserted while everything was allowed. */
function withPolicy(policy: string | null): void {
  expect(service.create('s')).toMatchObject({ kind: 'space' });
  service.ask('alice', { kind: 'out', tuple: normalizeTuple(['there']), lease: 60_000 }, 's');
  expect(service.ask('admin', { kind: 'spaceSetPolicy', policy }, 's')).toMatchObject({ kind: 'space' });
}

function expectRefused(name: string, expected: object): void {
  const { root } = service;
  expect(service.ask('alice', operations[name]!, 's')).toEqual({ kind: 'refused', detail: 0, ...expected });
  expect(service.root).toBe(root);
  const refusal = { ...expected, client: 'alice', space: 's' };
  expect(service.service.refusals()).toContainEqual({
    code: (refusal as { code?: string }).code,
    client: 'alice',
    space: 's',
    count: 1,
  });
}

describe.each(names)('%s', (name) => {
  it('is allowed without a policy, and by a rule that says so', () => {
    for (const policy of [null, rules('true'), rules('() => true')]) {
      service = new GuardedService();
      withPolicy(policy);
      const result = service.ask('alice', operations[name]!, 's');
      expect(result?.kind).not.toBe('refused');
      if (result?.kind === 'entry') expect(result.entry).not.toBe(null);
      if (result?.kind === 'entries') expect(result.entries).toHaveLength(1);
      if (result?.kind === 'count') expect(result.count).toBe(1);
    }
  });

  it('is for those on the lists of the space that it needs', () => {
    for (const list of ['insert', 'readers', 'takers'] as const) {
      service = new GuardedService();
      service.create('s', { [list]: [bob] });
      if (lists[name]!.includes(list)) expectRefused(name, { code: 'ACL_DENIED', subject: list });
      else expect(service.ask('alice', operations[name]!, 's')?.kind).not.toBe('refused');
      expect(service.ask('bob', operations[name]!, 's')?.kind).not.toBe('refused');
    }
  });

  it('is denied by a rule that says so, and by a policy without a rule for it', () => {
    for (const policy of [
      rules('false'),
      rules('({ invoker }) => invoker !== "alice"'),
      policyOf(name === 'out' ? 'rdp: true' : 'out: true'),
    ]) {
      service = new GuardedService();
      withPolicy(policy);
      expectRefused(name, { code: 'POLICY_DENIED', subject: name });
    }
  });

  it('is denied by a rule that fails', () => {
    withPolicy(rules('({ invoker }) => invoker[100].length === 1'));
    expectRefused(name, { code: 'POLICY_ERROR', subject: name });
  });

  it('is denied by a rule that is over its budget', () => {
    const digits = '[0,1,2,3,4,5,6,7,8,9]';
    const loop = `${digits}.every(() => ${digits}.every(() => ${digits}.every(() => ${digits}.every(() => true))))`;
    withPolicy(rules(`() => ${loop}`));
    expectRefused(name, { code: 'POLICY_BUDGET', subject: name });
  });
});

describe('quotas', () => {
  const fits = (name: string): boolean => service.ask('alice', operations[name]!, 's')?.kind !== 'refused';
  const full = (limit: number, subject: string) => ({
    kind: 'refused',
    code: 'QUOTA_EXCEEDED',
    detail: limit,
    subject,
  });
  const out = (client: string, ...values: unknown[]) =>
    service.ask(client, { kind: 'out', tuple: normalizeTuple(values), lease: null }, 's');
  const quota = (bounds: Partial<Quota>): Quota => ({ entries: null, bytes: null, waits: null, ...bounds });

  it('bound the entries of a space; a replace makes its own room', () => {
    service.create('s', { quota: quota({ entries: 2 }) });
    out('bob', 'there');
    out('alice', 'there');
    expect(out('alice', 1)).toEqual(full(2, 'entries'));
    expect(service.ask('alice', operations['cas']!, 's')).toEqual(full(2, 'entries'));
    expect(fits('replace')).toBe(true);
    service.restore();
    expect(out('alice', 1)).toEqual(full(2, 'entries'));
    expect(fits('inp')).toBe(true);
    expect(fits('out')).toBe(true);
  });

  it('bound the entries of each client', () => {
    service.create('s', { clientQuota: quota({ entries: 1 }) });
    out('bob', 'there');
    expect(fits('replace')).toBe(true);
    expect(out('alice', 1)).toEqual(full(1, 'client-entries'));
    service.restore();
    expect(out('alice', 1)).toEqual(full(1, 'client-entries'));
    // What bob inserted is gone, so he has room; alice, who replaced it, has none for another.
    expect(out('bob', 'there')).toMatchObject({ kind: 'entry' });
    expect(service.ask('alice', operations['replace']!, 's')).toEqual(full(1, 'client-entries'));
  });

  it('bound bytes, of all and of each client; taken ones count no more', () => {
    service.create('s', { quota: quota({ bytes: 100 }), clientQuota: quota({ bytes: 60 }) });
    const tuple = ['x'.repeat(40)];
    expect(out('alice', ...tuple)).toMatchObject({ kind: 'entry' });
    expect(out('alice', ...tuple)).toEqual(full(60, 'client-bytes'));
    expect(out('bob', ...tuple)).toMatchObject({ kind: 'entry' });
    expect(out('admin', ...tuple)).toEqual(full(100, 'bytes'));
    expect(service.ask('bob', { kind: 'spaceShow' }, 's')).toMatchObject({ space: { entries: 2 } });
    const bytes = (result: unknown) => (result as { space: { bytes: number } }).space.bytes;
    const before = bytes(service.ask('bob', { kind: 'spaceShow' }, 's'));
    service.restore();
    expect(bytes(service.ask('bob', { kind: 'spaceShow' }, 's'))).toBe(before);
    service.ask('bob', { kind: 'inAll', template: normalizeTemplate(tuple), limit: 1 }, 's');
    expect(out('alice', ...tuple)).toMatchObject({ kind: 'entry' });
  });

  it('bound waits, of all and of each client', () => {
    service.create('s', { quota: quota({ waits: 2 }), clientQuota: quota({ waits: 1 }) });
    const wait = (client: string) => service.ask(client, { kind: 'rd', template: miss, timeout: null }, 's');
    expect(wait('alice')).toBe(null);
    expect(wait('alice')).toEqual(full(1, 'client-waits'));
    expect(wait('bob')).toBe(null);
    service.restore();
    expect(wait('admin')).toEqual(full(2, 'waits'));
    out('bob', 'missing');
    expect(service.ask('admin', { kind: 'in', template: hit, timeout: null }, 's')).toBe(null);
  });
});

describe('order of checks', () => {
  it('is identity, limits, space, lists, policy, quotas', () => {
    service = new GuardedService(['admin', 'alice', 'bob'], { limits: { fieldsMax: 3 } });
    const wide = normalizeTuple([1, 2, 3, 4]);
    const ask = (client: string, tuple: typeof wide, space: string) =>
      service.ask(client, { kind: 'out', tuple, lease: null }, space);
    service.create('s', {
      insert: [alice],
      policy: policyOf('out: ({ tuple }) => tuple[0] === 1'),
      quota: { entries: 0, bytes: null, waits: null },
    });
    const codes = [
      ask('stranger', wide, 'missing'),
      ask('bob', wide, 'missing'),
      ask('bob', added, 'missing'),
      ask('bob', added, 's'),
      ask('alice', added, 's'),
      ask('alice', normalizeTuple([1]), 's'),
    ].map((result) => (result?.kind === 'refused' ? result.code : null));
    expect(codes).toEqual([
      'UNKNOWN_CLIENT',
      'TOO_MANY_FIELDS',
      'NO_SUCH_SPACE',
      'ACL_DENIED',
      'POLICY_DENIED',
      'QUOTA_EXCEEDED',
    ]);
  });
});
