/** policy/work-queue: a job from its producer to its result, each way around its guarantees, and all interleavings. */
import { beforeEach, describe, expect, it } from 'vitest';
import { any } from '../../../src/codec/index.js';
import { expectInvariant, Trial } from '../../../src/policy/index.js';
import type { Step, TestOperation, TestState } from '../../../src/policy/index.js';
import { loadFile } from '../../support/policies.js';

const policy = await loadFile('policy/work-queue.ts');
const lease = 5_000;

const out = (...tuple: unknown[]) => ({ operation: 'out', tuple }) as TestOperation;
const inp = (...template: unknown[]) => ({ operation: 'inp', template }) as TestOperation;
const replace = (template: unknown[], tuple: unknown[], rest = {}) =>
  ({ operation: 'replace', template, tuple, ...rest }) as TestOperation;
const claim = (name: string, worker: string, rest = {}) =>
  ({
    operation: 'cas',
    template: ['claim', name, any],
    tuple: ['claim', name, worker],
    lease,
    ...rest,
  }) as TestOperation;
const finish = (name: string, producer: string) =>
  replace(['job', name, any, any], ['result', name, producer, 'done']);
const renew = (name: string, worker: string, ms = lease) =>
  ({ operation: 'renew', template: ['claim', name, worker], lease: ms }) as TestOperation;

let trial: Trial;
const allows = (client: string, operation: TestOperation): boolean => trial.allows(client, operation);
const denies = (client: string, operations: readonly TestOperation[]): void => {
  for (const operation of operations)
    expect(allows(client, operation), `${client} ${JSON.stringify(operation)}`).toBe(false);
};

/** mary manages, pia and paul produce, walt and wanda work. */
beforeEach(() => {
  trial = new Trial(policy);
  expect(allows('admin', out('role', 'mary', 'manager'))).toBe(true);
  for (const name of ['pia', 'paul']) expect(allows('mary', out('role', name, 'producer'))).toBe(true);
  for (const name of ['walt', 'wanda']) expect(allows('mary', out('role', name, 'worker'))).toBe(true);
});

describe('policy/work-queue', () => {
  it('takes a job from its producer to its result', () => {
    expect(allows('pia', out('job', 'a', 'pia', 1))).toBe(true);
    expect(allows('walt', claim('a', 'walt'))).toBe(true);
    expect(allows('walt', renew('a', 'walt'))).toBe(true);
    expect(allows('walt', finish('a', 'pia'))).toBe(true);
    expect(allows('walt', inp('claim', 'a', 'walt'))).toBe(true);
    expect(allows('pia', inp('result', 'a', 'pia', any))).toBe(true);
    expect(trial.entries.filter(({ tuple }) => tuple[0] !== 'role')).toEqual([]);
  });

  it('lets only the admin appoint managers, only managers appoint the others and set quotas', () => {
    expect(allows('admin', out('quota', 'pia', 5))).toBe(true);
    expect(allows('mary', replace(['quota', 'pia', any], ['quota', 'pia', 2]))).toBe(true);
    const appointments = [
      out('role', 'eve', 'manager'),
      inp('role', 'mary', 'manager'),
      out('role', 'eve', 'other'),
    ];
    denies('mary', [...appointments, out('role', 'pia', 'producer'), out('quota', 'pia', 9)]);
    denies('mary', [out('quota', 'walt', -1), out('quota', 'walt', 0.5), out('quota', 'walt', '1')]);
    denies('mary', [replace(['quota', any, any], ['quota', 'pia', 9]), inp('role', 'pia', any)]);
    denies('mary', [
      { ...out('role', 'eve', 'worker'), lease },
      { ...out('quota', 'eve', 1), readers: [] },
    ]);
    for (const client of ['pia', 'walt', 'eve'])
      denies(client, [
        ...appointments,
        out('role', client, 'worker'),
        out('role', client, 'producer'),
        inp('role', 'wanda', 'worker'),
        out('quota', client, 9),
        replace(['quota', 'pia', any], ['quota', 'pia', 9]),
        inp('quota', 'pia', any),
      ]);
    expect(allows('mary', inp('quota', 'pia', any))).toBe(true);
    expect(allows('mary', inp('role', 'pia', 'producer'))).toBe(true);
    denies('pia', [out('job', 'a', 'pia', 1)]);
  });

  it('lets producers insert in their own name what has a free name, within their quota', () => {
    denies('walt', [out('job', 'a', 'walt', 1)]);
    denies('pia', [out('job', 'a', 'paul', 1), out('job', 1, 'pia', 1), out('job', 'a', 'pia')]);
    denies('pia', [
      { ...out('job', 'a', 'pia', 1), lease },
      { ...out('job', 'a', 'pia', 1), readers: [] },
    ]);
    expect(allows('pia', out('job', 'a', 'pia', 1))).toBe(true);
    denies('paul', [out('job', 'a', 'paul', 1)]);
    allows('walt', claim('a', 'walt'));
    allows('walt', finish('a', 'pia'));
    denies('pia', [out('job', 'a', 'pia', 1)]);
    expect(allows('mary', out('quota', 'pia', 2))).toBe(true);
    expect(allows('pia', out('job', 'b', 'pia', 1))).toBe(true);
    denies('pia', [out('job', 'c', 'pia', 1)]);
    allows('pia', inp('result', 'a', 'pia', any));
    denies('pia', [out('job', 'a', 'pia', 1)]);
    trial.advance(lease);
    expect(allows('pia', out('job', 'a', 'pia', 1))).toBe(true);
  });

  it('lets workers claim jobs for themselves, timed, within their quota', () => {
    for (const name of ['a', 'b']) allows('pia', out('job', name, 'pia', 1));
    denies('pia', [claim('a', 'pia')]);
    denies('walt', [claim('a', 'wanda'), claim('c', 'walt'), claim('a', 'walt', { lease: 3_600_001 })]);
    denies('walt', [claim('a', 'walt', { lease: null }), claim('a', 'walt', { takers: ['walt'] })]);
    denies('walt', [
      claim('a', 'walt', { template: ['claim', 'a', 'walt'] }),
      claim('a', 'walt', { template: ['nobody'] }),
      { operation: 'out', tuple: ['claim', 'a', 'walt'], lease },
    ]);
    allows('mary', out('quota', 'walt', 1));
    expect(allows('walt', claim('a', 'walt'))).toBe(true);
    denies('walt', [claim('b', 'walt'), renew('a', 'walt', 3_600_001), renew('a', 'wanda')]);
    denies('wanda', [inp('claim', 'a', 'walt'), inp('claim', 'a', any), renew('a', 'walt')]);
    allows('mary', inp('role', 'walt', 'worker'));
    denies('walt', [renew('a', 'walt'), finish('a', 'pia')]);
    expect(allows('walt', inp('claim', 'a', 'walt'))).toBe(true);
  });

  it('lets a job leave by its claim’s holder, or unclaimed by its producer', () => {
    for (const name of ['a', 'b']) allows('pia', out('job', name, 'pia', 1));
    allows('walt', claim('a', 'walt'));
    denies('wanda', [finish('a', 'pia'), finish('b', 'pia'), inp('job', 'a', 'pia', any)]);
    denies('walt', [finish('a', 'walt'), finish('b', 'pia'), inp('job', 'a', 'pia', any)]);
    denies('walt', [replace(['job', any, any, any], ['result', 'a', 'pia', 'done'])]);
    denies('walt', [replace(['job', 'b', any, any], ['result', 'a', 'pia', 'done'])]);
    denies('walt', [
      replace(['job', 'a', any, any], ['result', 'a', 'pia', 'done'], { readers: ['walt'] }),
      out('result', 'a', 'pia', 'done'),
    ]);
    denies('pia', [inp('job', 'a', 'pia', any), inp('job', any, 'pia', any)]);
    denies('paul', [inp('job', 'b', 'pia', any), inp('job', 'b', any, any)]);
    expect(allows('pia', inp('job', 'b', 'pia', any))).toBe(true);
    allows('walt', finish('a', 'pia'));
    denies('paul', [inp('result', 'a', 'pia', any), inp('result', 'a', any, any)]);
    denies('walt', [inp('result', 'a', 'pia', any)]);
  });

  it('is read by those who have a role', () => {
    const count = { operation: 'count', template: [any] } as TestOperation;
    for (const client of ['admin', 'mary', 'pia', 'walt']) expect(allows(client, count)).toBe(true);
    denies('eve', [count]);
  });
});

const clients = ['pia', 'walt', 'wanda'];
const names = ['a', 'b'];

const trials = (client: string): readonly TestOperation[] => [
  ...names.flatMap((name) => [
    out('job', name, client, 1),
    inp('job', name, client, any),
    claim(name, client),
    inp('claim', name, client),
    inp('claim', name, any),
    finish(name, 'pia'),
    inp('result', name, client, any),
  ]),
  replace(['job', any, any, any], ['result', 'a', 'pia', 'done']),
];

const of = (state: TestState, kind: string) =>
  state.entries.map(({ tuple }) => tuple).filter((tuple) => tuple[0] === kind);

function broken(state: TestState, step: Step | null): string | null {
  const claims = of(state, 'claim');
  const named = [...of(state, 'job'), ...of(state, 'result')];
  if (new Set(named.map((tuple) => tuple[1])).size < named.length) return 'one name twice';
  if (new Set(claims.map((tuple) => tuple[1])).size < claims.length) return 'two claims of a job';
  if (named.length > 1) return 'more than the quota';
  if (claims.some((tuple) => tuple[2] === 'pia')) return 'a claim of somebody who is no worker';
  const added = step && of(state, 'result').find((tuple) => !of(step.before, 'result').includes(tuple));
  const holds = (name: unknown) =>
    of(step!.before, 'claim').some((tuple) => tuple[1] === name && tuple[2] === step!.attempt!.client);
  return added && !holds(added[1]) ? 'a result without a claim' : null;
}

describe('the model checker', () => {
  it('sees no way around the guarantees, whatever three clients try', () => {
    const entries = [
      ['role', 'pia', 'producer'],
      ['quota', 'pia', 1],
      ['role', 'walt', 'worker'],
      ['role', 'wanda', 'worker'],
    ].map((tuple, i) => ({ id: BigInt(i + 1), tuple, owner: 'admin', deadline: null }));
    const findings = expectInvariant({
      ...{ policy, clients, depth: 20, operations: trials, invariant: broken, order: false },
      start: { time: 1_000, nextId: 5n, entries },
    });
    expect(findings.violation).toBeNull();
    expect(findings).toMatchObject({ isExhausted: true });
    expect(findings.states).toBeGreaterThan(9);
  });
});
