/**
 * Confidential spaces as their clients see them (DESIGN section 7): tuples go in and come out, whatever up to f replicas give
 * for shares; and whoever inserts what is no good is found out by the first who reads it.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyBytes, RefusedError } from '../../src/base/index.js';
import { any, formal } from '../../src/client/index.js';
import { decodeEntryShares, encodeEntryShares, encodeOperation, Tag } from '../../src/codec/index.js';
import { insert, lies, sampleProtections, sampleTuple } from '../support/confidential.js';
import { Vault, type Tampering, type VaultClient } from '../support/vault.js';

let vault: Vault;
let alice: VaultClient;
let bob: VaultClient;
beforeEach(() => {
  vault = new Vault();
  alice = vault.client('alice');
  bob = vault.client('bob');
});

const protect = sampleProtections;
const template = ['job', 42, any, any, any, true];

describe('clients of a confidential space', () => {
  it('read what others inserted, by values and formals of public and comparable fields', async () => {
    await alice.space.out(sampleTuple, { protect });
    const entry = { id: 1n, tuple: sampleTuple, owner: 'alice' };
    expect(await bob.space.rdp(template, { protect })).toEqual(entry);
    const formals = [formal.string, formal.int, formal.double, any, formal.bytes, formal.bool];
    expect(await bob.space.rdp(formals, { protect })).toEqual(entry);
    expect(await bob.space.count(['job', 41, any, any, any, any], { protect })).toBe(0);
    expect(await bob.space.count(['job', formal.string, any, any, any, any], { protect })).toBe(0);
    expect(await bob.space.inp(template, { protect })).toEqual(entry);
    expect(await bob.space.inp(template, { protect })).toBeNull();
  });

  it('do every operation there is', async () => {
    const { space } = alice;
    expect(await space.out(['a', 1])).toEqual({ id: 1n, tuple: ['a', 1], owner: 'alice' });
    expect(await space.cas(['a', any], ['a', 2])).toEqual({
      inserted: false,
      entry: { id: 1n, tuple: ['a', 1], owner: 'alice' },
    });
    expect(await space.cas(['b', any], ['b', 2])).toMatchObject({
      inserted: true,
      entry: { tuple: ['b', 2] },
    });
    expect(await space.replace(['a', any], ['a', 3])).toMatchObject({ id: 1n, tuple: ['a', 1] });
    expect(await space.rd(['a', any])).toMatchObject({ tuple: ['a', 3] });
    await space.out(['t', 1], { lease: 60_000 });
    expect(await space.renew(['t', any], 90_000)).toMatchObject({ tuple: ['t', 1], deadline: 91_000 });
    expect((await bob.space.rdAll([any, any])).map(({ tuple }) => tuple)).toEqual([
      ['b', 2],
      ['a', 3],
      ['t', 1],
    ]);
    expect(await bob.space.in(['a', any])).toMatchObject({ tuple: ['a', 3] });
    expect((await bob.space.inAll([any, any])).map(({ tuple }) => tuple)).toEqual([
      ['b', 2],
      ['t', 1],
    ]);
    expect(await bob.space.count([any, any])).toBe(0);
  });

  it('ask for the key of the space once, before anything else is said about it', async () => {
    await Promise.all([alice.space.out(['a', 1]), alice.space.rdp(['a', any])]);
    await alice.space.count(['a', any]);
    expect(alice.asked.filter((kind) => kind === 'spaceKey')).toEqual(['spaceKey']);
    expect(alice.asked[0]).toBe('spaceKey');
  });

  it('find no values at private fields, and are told so', async () => {
    await expect(bob.space.rdp(['a', 'secret'], { protect: ['public', 'private'] })).rejects.toMatchObject({
      code: 'CONFIDENTIAL_FIELD_PRIVATE',
    });
    await expect(bob.space.out(['a'], { protect: ['public', 'private'] })).rejects.toMatchObject({
      code: 'CONFIDENTIAL_PROTECTION_INVALID',
    });
  });

  it('are told when there is nothing to protect with, before anything is sent', async () => {
    const plain = vault.client('alice');
    const config = {
      ...{ insert: null, readers: null, takers: null, policy: null, confidential: null },
      quota: { entries: null, bytes: null, waits: null },
      clientQuota: { entries: null, bytes: null, waits: null },
    };
    vault.execute('admin', encodeOperation({ kind: 'spaceDelete', space: 'vault' }));
    vault.execute('admin', encodeOperation({ kind: 'spaceCreate', space: 'vault', config }));
    await expect(plain.space.out(['a'], { protect: ['private'] })).rejects.toMatchObject({
      code: 'SPACE_NOT_CONFIDENTIAL',
    });
    expect(plain.asked).toEqual(['spaceKey']);
    expect(await plain.space.out(['a'])).toMatchObject({ tuple: ['a'] });
  });

  it('let replicas see neither private nor comparable values', async () => {
    await alice.space.out(['public value', 'comparable value', 'private value'], {
      protect: ['public', 'comparable', 'private'],
    });
    const pages = [...vault.service.checkpoint().pages.values()].map((bytes) => Buffer.from(bytes));
    const state = Buffer.concat(pages).toString('latin1');
    expect(state).toContain('public value');
    expect(state).not.toContain('comparable value');
    expect(state).not.toContain('private value');
  });
});

const swapped: Tampering = (replica, shares) => {
  if (replica !== 2) return shares;
  const given = decodeEntryShares(shares)!;
  return encodeEntryShares(
    given.map((share) => (share.kind === 'share' ? { ...share, point: share.proof.challenge } : share)),
  );
};
const withheld: Tampering = (replica, shares) => (replica === 0 ? emptyBytes : shares);
const garbage: Tampering = (replica, shares) => (replica === 1 ? Uint8Array.of(1, 2, 3) : shares);
const badPart: Tampering = (replica, shares) =>
  replica === 0 ? encodeEntryShares(decodeEntryShares(shares)!.map(() => ({ kind: 'badPart' }))) : shares;

describe('a faulty replica', () => {
  it.each([
    ['gives something else for its share', swapped],
    ['gives no share', withheld],
    ['gives garbage', garbage],
  ] as const)('that %s hides no tuple', async (_, tampering) => {
    await alice.space.out(sampleTuple, { protect });
    vault.tampering = tampering;
    for (let i = 0; i < 3; i++)
      expect(await bob.space.rdp(template, { protect })).toMatchObject({ tuple: sampleTuple });
    expect(vault.blacklisted()).toEqual([]);
  });

  it('whose wrong share is used is found out, and named', async () => {
    await alice.space.out(sampleTuple, { protect });
    vault.tampering = (replica, shares) => (replica === 0 ? swapped(2 as typeof replica, shares) : shares);
    expect(await bob.space.rdp(template, { protect })).toMatchObject({ tuple: sampleTuple });
    expect(bob.seals.faults).toMatchObject([
      // The key of the space, and the entry.
      { replica: 0, code: 'BAD_SHARE', space: 'vault', entry: 0n },
      { replica: 0, code: 'BAD_SHARE', space: 'vault', entry: 1n },
    ]);
  });

  it('that says its part is bad convinces nobody', async () => {
    await alice.space.out(sampleTuple, { protect });
    vault.tampering = badPart;
    expect(await bob.space.rdp(template, { protect })).toMatchObject({ tuple: sampleTuple });
    expect(vault.blacklisted()).toEqual([]);
  });

  it('is one of too many when no f+1 good shares are left: an error, and nobody is blamed for it', async () => {
    await alice.space.out(['a', 1]);
    await bob.space.count(['a', any]);
    vault.tampering = (replica, shares) => (replica < 3 ? swapped(2 as typeof replica, shares) : shares);
    await expect(bob.space.rdp(['a', any])).rejects.toMatchObject({ code: 'SHARES_MISSING' });
    expect(vault.blacklisted()).toEqual([]);
    // Asked again, past the replicas that gave a quick answer.
    expect(bob.asked.filter((kind) => kind === 'rdp')).toHaveLength(3);
  });
});

describe('what is no good', () => {
  const wide = [any, any, any, any, any, any];

  describe.each(lies)('since it is $name', (lie) => {
    it('is repaired by the first who reads it, who then finds what is good', async () => {
      expect(vault.insert(lie.insert(vault.keep)).kind).toBe('entry');
      await alice.space.out(sampleTuple, { protect });
      expect(await bob.space.rdp(wide, { protect })).toMatchObject({ tuple: sampleTuple, owner: 'alice' });
      expect(vault.blacklisted()).toEqual(['mallory']);
      expect(await alice.space.count(wide, { protect })).toBe(1);
    });

    it('is repaired by the first who takes it, late', async () => {
      vault.insert(lie.insert(vault.keep));
      await alice.space.out(sampleTuple, { protect });
      expect(await bob.space.inp(wide, { protect })).toMatchObject({ tuple: sampleTuple, owner: 'alice' });
      expect(vault.blacklisted()).toEqual(['mallory']);
      expect(await bob.space.inp(wide, { protect })).toBeNull();
    });
  });

  it('is left out when several are read or taken', async () => {
    const [first, second] = [lies[0]!, lies.at(-2)!];
    for (const lie of [first, second]) vault.insert(lie.insert(vault.keep));
    await alice.space.out(sampleTuple, { protect });
    const read = vault.client('bob');
    expect(await read.space.rdAll(wide, { protect })).toMatchObject([{ tuple: sampleTuple }]);
    expect(vault.blacklisted()).toEqual(['mallory']);
    expect(await read.space.count(wide, { protect })).toBe(1);
    expect(await read.space.inAll(wide, { protect })).toMatchObject([{ tuple: sampleTuple }]);
  });

  it('does not keep a cas from inserting', async () => {
    vault.insert(lies.at(-2)!.insert(vault.keep));
    expect(await alice.space.cas(wide, sampleTuple, { protect })).toMatchObject({
      inserted: true,
      entry: { tuple: sampleTuple },
    });
    expect(vault.blacklisted()).toEqual(['mallory']);
  });

  it('is replaced as a tuple of no fields', async () => {
    vault.insert(lies.at(-2)!.insert(vault.keep));
    expect(await alice.space.replace(wide, sampleTuple, { protect })).toMatchObject({ id: 1n, tuple: [] });
    expect(vault.blacklisted()).toEqual(['mallory']);
    expect(await alice.space.rdp(wide, { protect })).toMatchObject({ tuple: sampleTuple });
  });

  it('keeps its inserter out until he is pardoned, and a second repair of it does nothing', async () => {
    vault.insert(lies.at(-2)!.insert(vault.keep));
    expect(await bob.space.rdp(wide, { protect })).toBeNull();
    expect(vault.insert(insert(vault.keep))).toMatchObject({ code: 'CLIENT_BLACKLISTED' });
    vault.execute('admin', encodeOperation({ kind: 'clientPardon', space: '', name: 'mallory' }));
    expect(vault.insert(insert(vault.keep))).toMatchObject({ kind: 'entry' });
    expect(vault.blacklisted()).toEqual([]);
  });

  it('can be a copy of what another sealed: replicas give no shares of it', async () => {
    await alice.space.out(['secret plan', 7]);
    const copied = vault.execute(
      'mallory',
      encodeOperation({ kind: 'rdp', space: 'vault', template: [any, any] }),
    );
    if (copied.kind !== 'entry' || copied.entry?.sealed === undefined) throw new Error('nothing to copy');
    const { tuple, sealed } = copied.entry;
    expect(tuple[0]).toBeInstanceOf(Tag);
    const operation = { kind: 'out', space: 'vault', tuple, lease: null, sealed: sealed.bytes } as const;
    vault.execute('mallory', encodeOperation(operation));
    expect((await bob.space.rdAll([any, any])).map(({ owner }) => owner)).toEqual(['alice']);
    expect(vault.blacklisted()).toEqual(['mallory']);
  });
});

describe('a forged repair', () => {
  it('does nothing but count against its sender', async () => {
    await alice.space.out(sampleTuple, { protect });
    const operation = encodeOperation({ kind: 'repair', space: 'vault', evidence: Uint8Array.of(1) });
    expect(vault.execute('bob', operation)).toMatchObject({ code: 'REPAIR_UNPROVEN' });
    expect(vault.clients().find(({ name }) => name === 'bob')).toMatchObject({ forgedRepairs: 1 });
    expect(await alice.space.rdp(template, { protect })).toMatchObject({ tuple: sampleTuple });
    expect(vault.blacklisted()).toEqual([]);
  });
});

describe('an error of the service', () => {
  it('about the space is that of the operation the user called', async () => {
    const lost = vault.client('alice');
    vault.execute('admin', encodeOperation({ kind: 'spaceDelete', space: 'vault' }));
    const error: unknown = await lost.space.out(['a']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: 'NO_SUCH_SPACE', fields: { operation: 'out' } });
    expect((error as Error).message).toMatch(/^out: /);
  });
});
