/**
 * Hostile modules installed (pitfalls 27–29): four services execute the same operations, one of them answering queries
 * in between, one restored from a checkpoint's pages in the middle, one busy with other policies before each step. After
 * each module all have given the same bytes and have the same state.
 */
import { describe, expect, it } from 'vitest';
import { clientId, clientName, sessionId } from '../../src/base/index.js';
import { any, decodeResult, encodeOperation, type Operation } from '../../src/codec/index.js';
import { checkPolicy } from '../../src/policy/index.js';
import { createService, type Service } from '../../src/service/index.js';
import { NotedEffects } from '../support/effects.js';
import { disguises, divergence, endless, escapes, exhausting, sixty } from '../support/hostile-modules.js';
import { load, moduleOf, outOf, sha256, spaceOf, templateOf, tupleOf } from '../support/policies.js';

const [admin, alice] = [clientId('aa'.repeat(32)), clientId('bb'.repeat(32))];
const clients = [
  { name: 'admin', publicKey: admin },
  { name: 'alice', publicKey: alice },
];
const space = 'guarded';
const unbounded = { entries: null, bytes: null, waits: null };
const quotas = { quota: unbounded, clientQuota: unbounded };
const open = { insert: null, readers: null, takers: null, confidential: null, ...quotas };

const busy = load(
  moduleOf('out: ({ tuple, space }) => tuple.length === 1 || space.count(template(any)) > 0, rdp: true'),
);

/** What one replica does beside executing. */
type Habit = 'nothing' | 'answers queries' | 'is restored' | 'evaluates other policies';
const habits: readonly Habit[] = ['nothing', 'answers queries', 'is restored', 'evaluates other policies'];

class Replica {
  readonly #habit: Habit;
  readonly #effects = new NotedEffects();
  #service: Service = createService({ hash: sha256, clients });
  #number = 0;
  #time = 1_000_000;

  constructor(habit: Habit) {
    this.#habit = habit;
    this.#service.advanceTime(this.#time, this.#effects);
  }

  do(client: typeof admin, operation: Operation): Uint8Array | null {
    this.#habitually();
    this.#time += 7;
    this.#service.advanceTime(this.#time, this.#effects);
    const request = { client, session: sessionId(client === admin ? 1 : 2), number: ++this.#number };
    const ordered = {
      ...request,
      operation: encodeOperation(operation),
      time: this.#time,
      mayWait: true,
      isVerified: true,
    };
    return this.#service.execute(ordered, this.#effects);
  }

  /** Everything that can be seen of it: the root of its state and what it told others. */
  get state(): unknown {
    const { resolved, notified } = this.#effects;
    return { root: this.#service.checkpoint().root, resolved, notified };
  }

  /** As if it had fetched its state from others. */
  restore(): void {
    if (this.#habit !== 'is restored') return;
    const { pages } = this.#service.checkpoint();
    this.#service = createService({ hash: sha256, clients });
    this.#service.restore(pages);
  }

  #habitually(): void {
    if (this.#habit === 'evaluates other policies') {
      for (const tuple of [[1], sixty]) busy.evaluate(outOf(tuple), spaceOf(['a'], [1, 2]));
      load(moduleOf('out: true'));
    }
    if (this.#habit !== 'answers queries') return;
    for (const operation of reads) this.#service.query(alice, encodeOperation(operation), this.#time + 400);
  }
}

const reads: readonly Operation[] = [
  { kind: 'rdp', space, template: templateOf('seat', any) },
  { kind: 'count', space, template: templateOf('seat', any) },
  { kind: 'rdAll', space: 'default', template: templateOf('seat', any), limit: 0, after: 0n },
];

/** Asks all of them; the answer, which must be the same. */
function ask(replicas: readonly Replica[], client: typeof admin, operation: Operation) {
  const [first, ...others] = replicas.map((replica) => replica.do(client, operation));
  for (const other of others) expect(other).toEqual(first);
  return first === null || first === undefined ? null : decodeResult(first);
}

const out = (tuple: readonly unknown[]): Operation => ({
  kind: 'out',
  space,
  tuple: tupleOf(...tuple),
  lease: null,
});

function expectSameState(replicas: readonly Replica[]): void {
  const [first, ...others] = replicas.map(({ state }) => state);
  for (const other of others) expect(other).toEqual(first);
}

/** Creates a space with the module, tries it, puts it into a space that has another, tries it, deletes both. */
function install(replicas: readonly Replica[], policy: string, tuple: readonly unknown[]): unknown[] {
  const answers = [ask(replicas, admin, { kind: 'spaceCreate', space, config: { ...open, policy } })];
  answers.push(ask(replicas, alice, out(tuple)), ask(replicas, alice, out([1])));
  for (const replica of replicas) replica.restore();
  answers.push(ask(replicas, alice, out(tuple)));
  ask(replicas, admin, { kind: 'spaceDelete', space });
  ask(replicas, admin, { kind: 'spaceCreate', space, config: { ...open, policy: moduleOf('out: true') } });
  ask(replicas, alice, out(['seat', 1]));
  answers.push(ask(replicas, admin, { kind: 'spaceSetPolicy', space, policy }));
  answers.push(ask(replicas, alice, out(tuple)));
  for (const operation of reads) ask(replicas, alice, operation);
  expectSameState(replicas);
  ask(replicas, admin, { kind: 'spaceDelete', space });
  return answers;
}

const fresh = (): readonly Replica[] => habits.map((habit) => new Replica(habit));

describe.each([
  ['escape', escapes],
  ['divergence', divergence],
  ['endlessness', endless],
  ['disguise', disguises],
] as const)('modules after %s are refused alike', (_aim, attacks) => {
  const replicas = fresh();

  it.each(attacks.filter(([name]) => name !== 'a lone surrogate'))('%s', (_name, _rule, source) => {
    const check = checkPolicy(source);
    const problem = check.ok ? null : check.problem;
    const subject = `${problem?.rule}:${problem?.line}:${problem?.column}`;
    const refusal = { kind: 'refused', code: 'POLICY_INVALID', detail: 0, subject };
    const noSpace = { kind: 'refused', code: 'NO_SUCH_SPACE', detail: 0 };
    const [created, first, second, third, set, last] = install(replicas, source, sixty);
    expect([created, set]).toEqual([refusal, refusal]);
    expect([first, second, third]).toEqual([noSpace, noSpace, noSpace]);
    // The policy of before holds.
    expect(last).toMatchObject({ kind: 'entry', entry: { owner: clientName('alice') } });
  });
});

describe('modules that use up what there is are bounded alike', () => {
  const replicas = fresh();

  it.each(exhausting)('%s: %s', (_name, code, source, tuple) => {
    const [created, , , , set, last] = install(replicas, source, tuple);
    expect([created, set]).toMatchObject([{ kind: 'space' }, { kind: 'space' }]);
    expect(last).toEqual({ kind: 'refused', code, detail: 0, subject: 'out' });
  });
});

describe('a text that no client can send', () => {
  it('has a lone surrogate', () => {
    const surrogates = disguises.filter(([name]) => name === 'a lone surrogate');
    for (const [, , policy] of surrogates) {
      const operation: Operation = { kind: 'spaceCreate', space, config: { ...open, policy } };
      expect(() => encodeOperation(operation)).toThrow('lone surrogate');
    }
    expect(surrogates).toHaveLength(1);
  });
});

it('there are two hundred of them', () => {
  const all = [escapes, divergence, endless, disguises, exhausting];
  expect(all.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(200);
});
