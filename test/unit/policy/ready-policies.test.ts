/** The policies of policy/: what each allows, and each way around its guarantees that it denies. */
import { describe, expect, it } from 'vitest';
import { any } from '../../../src/codec/index.js';
import type { Policy, PolicyAttempt, PolicyLookups, RuleName } from '../../../src/policy/index.js';
import { codeOf, loadFile, lookupsOver, spaceOf, templateOf, tupleOf } from '../../support/policies.js';

const empty = spaceOf();
const reads: readonly RuleName[] = ['rdp', 'rd', 'rdAll', 'count', 'subscribe'];

/** Asks as alice; leases are given in ms. */
function asker(policy: Policy) {
  const ask = (operation: RuleName, space: PolicyLookups, rest: Partial<PolicyAttempt>) =>
    codeOf(policy.evaluate({ operation, invoker: 'alice', time: 1, ...rest }, space));
  return {
    ask,
    out: (tuple: readonly unknown[], space = empty, rest: Partial<PolicyAttempt> = {}) =>
      ask('out', space, { tuple: tupleOf(...tuple), lease: null, ...rest }),
    cas: (
      template: readonly unknown[],
      tuple: readonly unknown[],
      space = empty,
      rest: Partial<PolicyAttempt> = {},
    ) =>
      ask('cas', space, {
        template: templateOf(...template),
        tuple: tupleOf(...tuple),
        lease: null,
        ...rest,
      }),
    inp: (template: readonly unknown[], space = empty, rest: Partial<PolicyAttempt> = {}) =>
      ask('inp', space, { template: templateOf(...template), ...rest }),
    renew: (template: readonly unknown[], lease: number, rest: Partial<PolicyAttempt> = {}) =>
      ask('renew', empty, { template: templateOf(...template), lease, ...rest }),
  };
}

const denied = 'POLICY_DENIED';
const timed = { lease: 5_000 };
const hidden = [{ readers: ['alice'] }, { takers: ['alice'] }];

describe('policy/lock', async () => {
  const { cas, inp, renew, ask, out } = asker(await loadFile('policy/lock.ts'));
  const mine = ['lock', 'a', 'alice'];
  const free = ['lock', 'a', any];

  it('lets a client lock for itself, renew and unlock', () => {
    expect(cas(free, mine, empty, timed)).toBe('allowed');
    expect(renew(mine, 5_000)).toBe('allowed');
    expect(inp(mine)).toBe('allowed');
    expect(reads.map((name) => ask(name, empty, { template: templateOf(any) }))).toEqual(
      reads.map(() => 'allowed'),
    );
  });

  it('denies everything else', () => {
    expect(cas(free, ['lock', 'a', 'bob'], empty, timed)).toBe(denied);
    expect(cas(['lock', 'a', 'alice'], mine, empty, timed)).toBe(denied);
    expect(cas(['lock', 'b', any], mine, empty, timed)).toBe(denied);
    expect(cas(['x'], mine, empty, timed)).toBe(denied);
    expect(cas(free, ['lock', 1, 'alice'], empty, timed)).toBe(denied);
    expect(cas(free, mine)).toBe(denied);
    expect(cas(free, mine, empty, { lease: 300_001 })).toBe(denied);
    expect(hidden.map((rest) => cas(free, mine, empty, { ...timed, ...rest }))).toEqual([denied, denied]);
    expect(renew(mine, 300_001)).toBe(denied);
    expect(renew(['lock', 'a', 'bob'], 5_000)).toBe(denied);
    expect(inp(['lock', 'a', 'bob'])).toBe(denied);
    expect(inp(['lock', any, 'alice'])).toBe(denied);
    expect(inp(['lock', 'a', any])).toBe(denied);
    expect(out(mine, empty, timed)).toBe(denied);
    expect(
      (['in', 'inAll', 'replace'] as const).map((name) =>
        ask(name, empty, { template: templateOf(...mine) }),
      ),
    ).toEqual([denied, denied, denied]);
  });
});

describe('policy/election', async () => {
  const { cas, inp, renew, out } = asker(await loadFile('policy/election.ts'));
  const leader = ['leader', 'g', 'alice'];
  const candidates = spaceOf(['candidate', 'g', 'alice']);

  it('lets a candidate lead', () => {
    expect(out(['candidate', 'g', 'alice'], empty, timed)).toBe('allowed');
    expect(cas(['leader', 'g', any], leader, candidates, timed)).toBe('allowed');
    expect(renew(leader, 5_000)).toBe('allowed');
    expect(renew(['candidate', 'g', 'alice'], 5_000)).toBe('allowed');
    expect(inp(leader)).toBe('allowed');
  });

  it('denies everything else', () => {
    expect(out(['candidate', 'g', 'alice'], candidates, timed)).toBe(denied);
    expect(out(['candidate', 'g', 'bob'], empty, timed)).toBe(denied);
    expect(out(['candidate', 'g', 'alice'])).toBe(denied);
    expect(out(leader, candidates, timed)).toBe(denied);
    expect(cas(['leader', 'g', any], leader, empty, timed)).toBe(denied);
    expect(cas(['leader', 'g', 'alice'], leader, candidates, timed)).toBe(denied);
    expect(cas(['leader', 'g', any], ['leader', 'g', 'bob'], candidates, timed)).toBe(denied);
    expect(cas(['leader', 'g', any], ['candidate', 'g', 'alice'], candidates, timed)).toBe(denied);
    expect(cas(['leader', 'h', any], ['leader', 'h', 'alice'], candidates, timed)).toBe(denied);
    expect(
      hidden.map((rest) => cas(['leader', 'g', any], leader, candidates, { ...timed, ...rest })),
    ).toEqual([denied, denied]);
    expect(inp(['leader', 'g', 'bob'])).toBe(denied);
    expect(inp(['leader', 'g', any])).toBe(denied);
    expect(renew(['leader', 'g', 'bob'], 5_000)).toBe(denied);
    expect(renew(leader, 60_001)).toBe(denied);
  });
});

describe('policy/barrier', async () => {
  const { cas, inp, out } = asker(await loadFile('policy/barrier.ts'));
  const barrier = spaceOf(['barrier', 'b', 3]);

  it('lets everybody arrive once at a barrier that somebody made', () => {
    expect(cas(['barrier', 'b', any], ['barrier', 'b', 3])).toBe('allowed');
    expect(out(['arrived', 'b', 'alice'], barrier)).toBe('allowed');
  });

  it('denies everything else', () => {
    expect(cas(['barrier', 'b', 3], ['barrier', 'b', 3])).toBe(denied);
    expect(
      [0, -1, 0.5, '3', true].map((needed) => cas(['barrier', 'b', any], ['barrier', 'b', needed])),
    ).toEqual([denied, denied, denied, denied, denied]);
    expect(cas(['barrier', 'b', any], ['barrier', 'b', 3], empty, timed)).toBe(denied);
    expect(out(['arrived', 'b', 'alice'])).toBe(denied);
    expect(out(['arrived', 'b', 'bob'], barrier)).toBe(denied);
    expect(out(['arrived', 'b', 'alice'], spaceOf(['barrier', 'b', 3], ['arrived', 'b', 'alice']))).toBe(
      denied,
    );
    expect(out(['arrived', 'b', 'alice'], barrier, timed)).toBe(denied);
    expect(hidden.map((rest) => out(['arrived', 'b', 'alice'], barrier, rest))).toEqual([denied, denied]);
    expect(out(['barrier', 'c', 1])).toBe(denied);
    expect(inp(['arrived', 'b', 'alice'], barrier)).toBe(denied);
  });
});

describe('policy/append-only', async () => {
  const { cas, inp, out, ask } = asker(await loadFile('policy/append-only.ts'));
  const append = (position: unknown, space = empty, rest = {}) =>
    cas(['log', position, any, any], ['log', position, 'alice', 'x'], space, rest);

  it('lets everybody append', () => {
    expect(append(0)).toBe('allowed');
    expect(append(1, spaceOf(['log', 0, 'bob', 'y']))).toBe('allowed');
  });

  it('denies everything else', () => {
    expect(append(1)).toBe(denied);
    expect(append(2, spaceOf(['log', 0, 'bob', 'y']))).toBe(denied);
    expect(['0', -1, 0.5, true].map((position) => append(position))).toEqual([
      denied,
      denied,
      denied,
      denied,
    ]);
    expect(append(0, empty, timed)).toBe(denied);
    expect(hidden.map((rest) => append(0, empty, rest))).toEqual([denied, denied]);
    expect(cas(['log', 0, any, any], ['log', 0, 'bob', 'x'])).toBe(denied);
    expect(cas(['log', 0, 'alice', any], ['log', 0, 'alice', 'x'])).toBe(denied);
    expect(cas(['log', 1, any, any], ['log', 0, 'alice', 'x'])).toBe(denied);
    expect(out(['log', 0, 'alice', 'x'])).toBe(denied);
    expect(inp(['log', 0, any, any])).toBe(denied);
    expect(
      ask('replace', empty, {
        template: templateOf('log', 0, any, any),
        tuple: tupleOf('log', 0, 'alice', 'x'),
      }),
    ).toBe(denied);
  });
});

describe('policy/weak-consensus', async () => {
  const { cas, inp, out } = asker(await loadFile('policy/weak-consensus.ts'));

  it('lets everybody propose', () => {
    expect([1, 'x', true].map((value) => cas(['DECISION', any], ['DECISION', value]))).toEqual([
      'allowed',
      'allowed',
      'allowed',
    ]);
  });

  it('denies everything else', () => {
    expect(cas(['DECISION', 1], ['DECISION', 1])).toBe(denied);
    expect(cas(['other', any], ['DECISION', 1])).toBe(denied);
    expect(cas(['DECISION', any], ['DECISION', 1, 2])).toBe(denied);
    expect(cas(['DECISION', any], ['DECISION', 1], empty, timed)).toBe(denied);
    expect(hidden.map((rest) => cas(['DECISION', any], ['DECISION', 1], empty, rest))).toEqual([
      denied,
      denied,
    ]);
    expect(out(['DECISION', 1])).toBe(denied);
    expect(inp(['DECISION', any])).toBe(denied);
  });
});

describe('policy/red', async () => {
  const { ask, cas, inp, renew, out } = asker(await loadFile('policy/red.ts'));
  const replica = (id: string, state: string): readonly unknown[] => ['REPLICA', id, state];
  const stopped = replica('alice', 'STOPPED');
  const copier = replica('alice', 'COPIER');
  const writer = replica('alice', 'WRITER');
  const bobWrites = replica('bob', 'WRITER');
  const anyWriter = ['REPLICA', any, 'WRITER'];

  it('starts as stopped, once, for oneself, timed and seen by all', () => {
    expect(out(stopped, empty, timed)).toBe('allowed');
    expect(out(stopped, spaceOf(stopped), timed)).toBe(denied);
    expect(out(replica('bob', 'STOPPED'), empty, timed)).toBe(denied);
    expect(out(stopped)).toBe(denied);
    expect(out(stopped, empty, { lease: 60_001 })).toBe(denied);
    expect(hidden.map((rest) => out(stopped, empty, { ...timed, ...rest }))).toEqual([denied, denied]);
    expect(out(replica('alice', 'OTHER'), empty, timed)).toBe(denied);
    expect(out([...stopped, 1], empty, timed)).toBe(denied);
  });

  it('copies when the writer says so, or when there is none', () => {
    expect(out(copier, spaceOf(stopped), timed)).toBe('allowed');
    expect(out(copier, empty, timed)).toBe(denied);
    expect(out(copier, spaceOf(stopped, copier), timed)).toBe(denied);
    expect(out(copier, spaceOf(stopped, bobWrites), timed)).toBe(denied);
    expect(out(copier, spaceOf(stopped, bobWrites), { ...timed, invoker: 'bob' })).toBe('allowed');
    expect(out(copier, spaceOf(stopped), { ...timed, invoker: 'bob' })).toBe(denied);
    expect(out(copier, spaceOf(stopped, bobWrites), { ...timed, invoker: 'carol' })).toBe(denied);
    expect(out(copier, spaceOf(stopped), {})).toBe(denied);
  });

  it('writes by cas on any writer only, as a copier, for oneself', () => {
    expect(cas(anyWriter, writer, spaceOf(copier), timed)).toBe('allowed');
    expect(cas(anyWriter, writer, spaceOf(stopped), timed)).toBe(denied);
    expect(cas(replica('x', 'WRITER'), writer, spaceOf(copier), timed)).toBe(denied);
    expect(cas(writer, writer, spaceOf(copier), timed)).toBe(denied);
    expect(cas(anyWriter, bobWrites, spaceOf(copier, replica('bob', 'COPIER')), timed)).toBe(denied);
    expect(cas(anyWriter, writer, spaceOf(copier))).toBe(denied);
    expect(hidden.map((rest) => cas(anyWriter, writer, spaceOf(copier), { ...timed, ...rest }))).toEqual([
      denied,
      denied,
    ]);
    expect(out(writer, spaceOf(copier), timed)).toBe(denied);
  });

  it('writes only as a member of SYNC, once there is one', () => {
    expect(cas(anyWriter, writer, spaceOf(copier, ['SYNC', 1, '/bob/alice/']), timed)).toBe('allowed');
    expect(cas(anyWriter, writer, spaceOf(copier, ['SYNC', 1, '/bob/']), timed)).toBe(denied);
    expect(cas(anyWriter, writer, spaceOf(copier, ['SYNC', 1, '/bob/malice/']), timed)).toBe(denied);
  });

  it('keeps SYNC to the writer, with its own token and itself in it', () => {
    const anySync = ['SYNC', any, any];
    const writes = spaceOf(copier, writer);
    const replace = (tuple: readonly unknown[], space = writes, rest: Partial<PolicyAttempt> = {}) =>
      ask('replace', space, {
        template: templateOf(...anySync),
        tuple: tupleOf(...tuple),
        lease: null,
        ...rest,
      });
    expect(cas(anySync, ['SYNC', 2, '/alice/'], writes)).toBe('allowed');
    expect(replace(['SYNC', 2, '/alice/bob/'])).toBe('allowed');
    expect(replace(['SYNC', 3, '/alice/bob/'])).toBe(denied);
    expect(replace(['SYNC', 2, '/bob/'])).toBe(denied);
    expect(replace(['SYNC', 2, '/alice/'], spaceOf(copier, bobWrites))).toBe(denied);
    expect(replace(['SYNC', 2, '/alice/'], writes, timed)).toBe(denied);
    expect(hidden.map((rest) => replace(['SYNC', 2, '/alice/'], writes, rest))).toEqual([denied, denied]);
    expect(replace(replica('alice', 'COPIER'))).toBe(denied);
    expect(
      ask('replace', writes, { template: templateOf(...anyWriter), tuple: tupleOf('SYNC', 2, '/alice/') }),
    ).toBe(denied);
    expect(inp(anySync, writes)).toBe(denied);
    expect(out(['SYNC', 2, '/alice/'], writes)).toBe(denied);
  });

  it('takes STOPPED after COPIER, COPIER after WRITER, and a WRITER only its own', () => {
    expect(inp(stopped, spaceOf(stopped, copier))).toBe('allowed');
    expect(inp(stopped, spaceOf(stopped))).toBe(denied);
    expect(inp(stopped, spaceOf(stopped, copier, bobWrites))).toBe(denied);
    expect(inp(stopped, spaceOf(stopped, copier, bobWrites), { invoker: 'bob' })).toBe('allowed');
    expect(inp(stopped, spaceOf(stopped, copier), { invoker: 'bob' })).toBe(denied);
    expect(inp(copier, spaceOf(copier, writer))).toBe('allowed');
    expect(inp(copier, spaceOf(copier, writer), { invoker: 'bob' })).toBe(denied);
    expect(inp(copier, spaceOf(copier))).toBe(denied);
    expect(inp(writer, spaceOf(writer, ['RELEASE', 'alice', 1]))).toBe('allowed');
    expect(inp(writer, spaceOf(writer, ['RELEASE', 'alice', 1]), { invoker: 'bob' })).toBe(denied);
    expect(inp(writer, spaceOf(writer, ['RELEASE', 'alice', 2])), 'an earlier one').toBe(denied);
    expect(inp(writer, spaceOf(writer))).toBe(denied);
    expect(inp(anyWriter, spaceOf(writer))).toBe(denied);
    expect(inp(['REPLICA', 'alice', any], spaceOf(copier, writer))).toBe(denied);
    expect(
      (['in', 'inAll'] as const).map((name) =>
        ask(name, spaceOf(writer), { template: templateOf(...writer) }),
      ),
    ).toEqual([denied, denied]);
  });

  it('lets each say where it is, and which WRITER it releases, for itself', () => {
    const here = ['ADDRESS', 'alice', 'db1:5432'];
    expect(out(here)).toBe('allowed');
    expect(out(here, spaceOf(['ADDRESS', 'alice', 'db2:5432']))).toBe(denied);
    expect(out(here, empty, { invoker: 'bob' })).toBe(denied);
    expect(out(here, empty, timed)).toBe(denied);
    expect(out(['ADDRESS', 'alice', 5])).toBe(denied);
    expect(inp(['ADDRESS', 'alice', any], spaceOf(here))).toBe('allowed');
    expect(inp(['ADDRESS', 'alice', any], spaceOf(here), { invoker: 'bob' })).toBe(denied);
    const released = ['RELEASE', 'alice', 7];
    expect(out(released, empty, timed)).toBe('allowed');
    expect(out(released)).toBe(denied);
    expect(out(released, empty, { ...timed, invoker: 'bob' })).toBe(denied);
    expect(hidden.map((rest) => out(released, empty, { ...timed, ...rest }))).toEqual([denied, denied]);
  });

  it('lets the writer alone say how far behind others are', () => {
    const lags = ['LAG', 'alice', 'bob=0'];
    expect(out(lags, spaceOf(writer), timed)).toBe('allowed');
    expect(out(lags, spaceOf(writer))).toBe(denied);
    expect(out(lags, spaceOf(copier), timed)).toBe(denied);
    expect(out(lags, spaceOf(writer), { ...timed, invoker: 'bob' })).toBe(denied);
    expect(hidden.map((rest) => out(lags, spaceOf(writer), { ...timed, ...rest }))).toEqual([denied, denied]);
  });

  it('renews by id, whoever inserted the entry, and reads freely', () => {
    expect(renew(copier, 5_000, { owner: 'bob' })).toBe('allowed');
    expect(renew(['REPLICA', 'alice', any], 5_000)).toBe('allowed');
    expect(renew(copier, 5_000, { invoker: 'bob', owner: 'bob' })).toBe(denied);
    expect(renew(['REPLICA', any, 'COPIER'], 5_000)).toBe(denied);
    expect(renew(copier, 60_001)).toBe(denied);
    expect(reads.map((name) => ask(name, empty, { template: templateOf(any) }))).toEqual(
      reads.map(() => 'allowed'),
    );
  });

  it('goes by the id of the entry, not by its place', () => {
    const space = lookupsOver([{ id: 77n, tuple: tupleOf(...writer), owner: 'alice', deadline: 5 }]);
    const sync = (token: number) => cas(['SYNC', any, any], ['SYNC', token, '/alice/'], space);
    expect([77, 1].map(sync)).toEqual(['allowed', denied]);
  });
});
