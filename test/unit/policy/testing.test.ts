import { describe, expect, it } from 'vitest';
import { any } from '../../../src/codec/index.js';
import { compilePolicy } from '../../../src/cli/policy-compiler.js';
import { loadPolicyFile } from '../../../src/cli/policy-testing.js';
import { expectInvariant, explore, Trial } from '../../../src/policy/index.js';
import type { Exploration, Policy, Step, TestOperation, TestState } from '../../../src/policy/index.js';
import { load, moduleOf } from '../../support/policies.js';

const clients = ['a', 'b', 'c'];
const states = ['STOPPED', 'COPIER', 'WRITER'];
const lease = 1_000;

const countOf = (state: TestState, last: unknown): number =>
  state.entries.filter(({ tuple }) => tuple[2] === last).length;

/** A lock that every client may try to take, give back, take over and fake in every way. */
function lockTrials(client: string): TestOperation[] {
  const own = ['lock', 'x', client];
  const takes = clients.map((id): TestOperation => ({ operation: 'inp', template: ['lock', 'x', id] }));
  return [
    { operation: 'cas', template: ['lock', 'x', any], tuple: own, lease },
    { operation: 'cas', template: own, tuple: own, lease },
    { operation: 'cas', template: ['nothing'], tuple: own, lease },
    { operation: 'out', tuple: own, lease },
    { operation: 'renew', template: ['lock', 'x', any], lease },
    { operation: 'inAll', template: ['lock', any, any] },
    { operation: 'replace', template: ['lock', 'x', any], tuple: own, lease },
    ...takes,
  ];
}

/** Who lost a tuple to somebody else. */
function robbery(
  last: (step: Step) => string | null,
  { entries }: TestState,
  step: Step | null,
): string | null {
  const thief = step?.attempt?.client;
  if (step === null || thief === undefined) return null;
  const gone = step.before.entries.filter((entry) => !entries.some(({ id }) => id === entry.id));
  const victim = gone
    .map(({ tuple }) => tuple)
    .find((tuple) => tuple[2] === last(step) && tuple[1] !== thief);
  return victim === undefined ? null : `${thief} took what was ${String(victim[1])}'s`;
}

const lockPlan = (policy: Policy, depth: number): Exploration => ({
  ...{ policy, clients, depth, operations: lockTrials },
  invariant: (state) => (state.entries.length > 1 ? 'two holders' : null),
});

function redTrials(client: string, state: TestState): TestOperation[] {
  const writer = state.entries.find(({ tuple }) => tuple[1] === client && tuple[2] === 'WRITER');
  const forAll = clients.flatMap((id): TestOperation[] => [
    { operation: 'out', tuple: ['REPLICA', id, 'COPIER'], lease },
    ...states.map((last): TestOperation => ({ operation: 'inp', template: ['REPLICA', id, last] })),
  ]);
  const sync = ['SYNC', Number(writer?.id ?? 0n), `/${client}/`];
  return [
    { operation: 'out', tuple: ['REPLICA', client, 'STOPPED'], lease },
    { operation: 'out', tuple: ['REPLICA', client, 'WRITER'], lease },
    { operation: 'cas', template: ['REPLICA', any, 'WRITER'], tuple: ['REPLICA', client, 'WRITER'], lease },
    { operation: 'cas', template: ['REPLICA', 'x', 'WRITER'], tuple: ['REPLICA', client, 'WRITER'], lease },
    {
      operation: 'replace',
      template: ['REPLICA', client, 'COPIER'],
      tuple: ['REPLICA', client, 'WRITER'],
      lease,
    },
    { operation: 'cas', template: ['SYNC', any, any], tuple: sync },
    { operation: 'replace', template: ['SYNC', any, any], tuple: sync },
    ...forAll,
  ];
}

/** S1 of ReD, and what policy/red.ts promises besides. */
function redInvariant(state: TestState, step: Step | null): string | null {
  if (countOf(state, 'WRITER') > 1) return 'two writers';
  const keys = state.entries.map(({ tuple }) => `${String(tuple[1])} ${String(tuple[2])}`);
  if (new Set(keys).size < keys.length) return 'one state twice';
  if (step?.attempt === null || step === null) return null;
  const { client } = step.attempt;
  const has = (id: unknown, last: string) =>
    step.before.entries.some(({ tuple }) => tuple[1] === id && tuple[2] === last);
  const hadWriter = countOf(step.before, 'WRITER') > 0;
  const sync = step.before.entries.find(({ tuple }) => tuple[0] === 'SYNC')?.tuple;
  const added = state.entries.find((entry) => !step.before.entries.includes(entry))?.tuple;
  if (added?.[2] === 'WRITER' && !has(added[1], 'COPIER')) return 'a writer that was no copier';
  if (added?.[2] === 'WRITER' && sync !== undefined && !String(sync[2]).includes(`/${String(added[1])}/`)) {
    return 'a writer that may lack commits';
  }
  if (added?.[2] === 'COPIER' && hadWriter && !has(client, 'WRITER'))
    return 'a copier that the writer did not admit';
  return robbery(() => 'WRITER', state, step);
}

const redPlan = (policy: Policy, depth: number): Exploration => ({
  ...{ policy, clients, depth, operations: redTrials, invariant: redInvariant, order: false },
});

async function loosened(path: string, from: string, to: string): Promise<Policy> {
  const { source } = await compilePolicy(path);
  expect(source.split(from)).toHaveLength(2);
  return load(source.replace(from, to));
}

describe('the model checker', () => {
  it('sees all of the lock policy, and no second holder', async () => {
    const findings = expectInvariant(lockPlan(await loadPolicyFile('policy/lock.ts'), 8));
    expect(findings).toEqual({ states: 4, isComplete: true, isExhausted: true, violation: null });
  });

  it('sees no second writer in ReD, with three coordinators that try everything, to depth 8', async () => {
    const findings = expectInvariant(redPlan(await loadPolicyFile('policy/red.ts'), 8));
    expect(findings.violation).toBeNull();
    expect(findings.states).toBeGreaterThan(500);
  });

  it('finds what is wrong with a lock whose template is free, by the shortest way', async () => {
    const from =
      'template.length === 3 && template[0] === kind && template[1] === name && template[2] === any';
    const { violation } = explore(lockPlan(await loosened('policy/lock.ts', from, 'template.length > 0'), 8));
    expect(violation).toEqual({
      problem: 'two holders',
      steps: [
        "a: cas(['lock', 'x', any], ['lock', 'x', 'a'], lease 1000)",
        "a: cas(['nothing'], ['lock', 'x', 'a'], lease 1000)",
      ],
    });
  });

  it('finds two writers with the rule for cas as ReD published it', async () => {
    const policy = await loosened('policy/red.ts', 'if (!asksForTheWriter(wanted) || ', 'if (');
    const { violation } = explore(redPlan(policy, 8));
    expect(violation?.problem).toBe('two writers');
    expect(violation?.steps).toHaveLength(4);
    expect(violation?.steps.at(-1)).toContain("cas(['REPLICA', 'x', 'WRITER']");
  });

  it('finds a copier that nobody admitted with the rule for out as ReD published it', async () => {
    const policy = await loosened(
      'policy/red.ts',
      ' && mayAdmit(space, invoker, id);\n};\nvar hasReleased',
      ';\n};\nvar hasReleased',
    );
    expect(explore(redPlan(policy, 8)).violation?.problem).toBe('a copier that the writer did not admit');
  });

  it('finds a writer robbed where anybody may take a WRITER', async () => {
    const policy = await loosened(
      'policy/red.ts',
      'return state === "WRITER" && id === invoker && hasReleased(space, id);',
      'return state === "WRITER";',
    );
    expect(() => expectInvariant(redPlan(policy, 8))).toThrow(/took what was .'s, after\n {2}1\. /);
  });

  it('finds a writer that may lack commits where SYNC does not matter', async () => {
    const policy = await loosened('policy/red.ts', ' && isInSync(space, invoker)', '');
    expect(explore(redPlan(policy, 8)).violation?.problem).toBe('a writer that may lack commits');
  });

  it('says when there are too many states', async () => {
    const plan = { ...redPlan(await loadPolicyFile('policy/red.ts'), 8), statesMax: 10 };
    expect(explore(plan)).toMatchObject({ states: 10, isComplete: false, isExhausted: false });
    expect(() => expectInvariant(plan)).toThrow('more than 10 states');
  });
});

describe('a trial', () => {
  const policy = load(
    moduleOf(
      'out: ({ tuple }) => tuple.length < 3, inp: true, cas: true, renew: ({ owner, invoker }) => owner === invoker, rdAll: true, count: false, replace: true',
    ),
  );

  it('does what is allowed, and only that', () => {
    const trial = new Trial(policy);
    expect(trial.allows('alice', { operation: 'out', tuple: ['a', 1], lease: 100 })).toBe(true);
    expect(trial.allows('alice', { operation: 'out', tuple: ['a', 1, 2] })).toBe(false);
    expect(trial.attempt('bob', { operation: 'cas', template: ['a', any], tuple: ['a', 2] }).inserted).toBe(
      false,
    );
    expect(trial.attempt('bob', { operation: 'cas', template: ['b', any], tuple: ['b', 2] }).inserted).toBe(
      true,
    );
    expect(trial.attempt('bob', { operation: 'rdAll', template: [any, any], limit: 1 }).entries).toHaveLength(
      1,
    );
    expect(trial.allows('bob', { operation: 'renew', template: ['a', any], lease: 500 })).toBe(false);
    expect(trial.allows('alice', { operation: 'renew', template: [any, any], lease: 500 })).toBe(true);
    trial.advance(499);
    expect(trial.entries.map(({ tuple, owner }) => [...tuple, owner])).toEqual([
      ['a', 1, 'alice'],
      ['b', 2, 'bob'],
    ]);
    trial.advance(1);
    expect(trial.entries.map(({ id }) => id)).toEqual([2n]);
    expect(
      trial.attempt('bob', { operation: 'replace', template: ['b', 2], tuple: ['c', 3] }).entries[0]?.id,
    ).toBe(2n);
    expect(trial.attempt('bob', { operation: 'inp', template: ['c', 3] }).entries[0]?.id).toBe(3n);
    expect(trial.entries).toEqual([]);
  });

  it('renews only one’s own where no rule decides', () => {
    const trial = new Trial(load(moduleOf('out: true, renew: true')));
    trial.attempt('alice', { operation: 'out', tuple: ['a'], lease: 100 });
    const renew = (client: string) =>
      trial.attempt(client, { operation: 'renew', template: ['a'], lease: 500 }).entries;
    expect(renew('bob')).toEqual([]);
    expect(renew('alice')).toHaveLength(1);
  });

  it('counts what each rule answered', () => {
    const trial = new Trial(policy);
    trial.attempt('alice', { operation: 'out', tuple: ['a'] });
    trial.attempt('alice', { operation: 'out', tuple: ['a', 'b', 'c'] });
    trial.attempt('alice', { operation: 'count', template: ['a'] });
    trial.attempt('alice', { operation: 'rdp', template: ['a'] });
    expect(trial.coverage().filter(({ allowed, denied }) => allowed + denied > 0)).toEqual([
      { rule: 'out', allowed: 1, denied: 1 },
      { rule: 'count', allowed: 0, denied: 1 },
    ]);
    expect(trial.coverage().map(({ rule }) => rule)).toEqual(policy.rules);
  });
});
