import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientId, clientName, sequenceNumber, sessionId } from '../../../src/base/index.js';
import {
  any,
  decodeResult,
  encodeOperation,
  type Entry,
  type Operation,
  type OperationKind,
  type Result,
} from '../../../src/codec/index.js';
import type { StateMachine } from '../../../src/ordering/ports.js';
import {
  createService,
  type Service,
  type ServiceOperation,
  type ServiceOptions,
} from '../../../src/service/index.js';
import { noEffects } from '../../support/effects.js';
import * as samples from '../space/samples.js';
import { sha256, template, templateArbitrary, tuple, tupleArbitrary } from '../space/samples.js';

/** Where nobody is registered, names are keys. */
const [alice, bob] = [clientId(samples.alice), clientId(samples.bob)];

type WithoutSpace<O> = O extends Operation ? Omit<O, 'space'> : never;
const operation = (fields: WithoutSpace<Operation>, space = 'default'): Uint8Array =>
  encodeOperation({ ...fields, space } as Operation);

type Asked = Pick<ServiceOperation, 'client' | 'operation' | 'time'>;

let lastNumber = 0;
/** A request of its own: no number is executed twice. */
const asked = (fields: Asked): ServiceOperation => ({
  session: sessionId(7),
  number: ++lastNumber,
  mayWait: true,
  isVerified: true,
  ...fields,
});

class Replica {
  readonly service: Service;
  #time = 0;

  constructor(options: Partial<ServiceOptions> = {}) {
    this.service = createService({ hash: sha256, ...options });
  }

  do(fields: WithoutSpace<Operation>, space?: string, client = alice): Result | null {
    const time = this.#time;
    const result = this.service.execute(
      asked({ client, operation: operation(fields, space), time }),
      noEffects,
    );
    return result === null ? null : decodeResult(result);
  }

  read(fields: WithoutSpace<Operation>, space?: string, nowMs = 0): Uint8Array | null {
    return this.service.query(alice, operation(fields, space), nowMs);
  }

  advanceTime(time: number): void {
    this.#time = time;
    this.service.advanceTime(time, noEffects);
  }

  contents(): Result | null {
    return this.do({ kind: 'rdAll', template: template(any, any), limit: 0, after: 0n });
  }
}

const entry = (id: number, owner: typeof alice, ...values: unknown[]): Entry => ({
  id: BigInt(id),
  tuple: tuple(...values),
  owner: clientName(owner),
  deadline: null,
});
const a = entry(1, alice, 'k', 1);
const b = entry(2, alice, 'k', 2);
const added = tuple('k', 9);
const bobs = entry(3, bob, 'k', 9);
/** Inserted at time 0 with a lease of 5 s. */
const timed: Entry = { ...bobs, deadline: 5_000 };
/** What an insertion answers: its client knows the tuple. */
const told = (inserted: Entry): Entry => ({ ...inserted, tuple: [] });
const hit = template('k', any);
const miss = template('none', any);

let replica: Replica;
beforeEach(() => {
  replica = new Replica();
  for (const { tuple: values } of [a, b]) replica.do({ kind: 'out', tuple: values, lease: null });
});

describe('every operation does its own thing and nothing else (pitfall 23)', () => {
  const none = { kind: 'entry', entry: null };

  it.each<[string, WithoutSpace<Operation>, unknown, readonly Entry[]]>([
    ['out', { kind: 'out', tuple: added, lease: null }, { kind: 'entry', entry: told(bobs) }, [a, b, bobs]],
    ['rdp', { kind: 'rdp', template: hit }, { kind: 'entry', entry: a }, [a, b]],
    ['rdp, no match', { kind: 'rdp', template: miss }, none, [a, b]],
    ['inp', { kind: 'inp', template: hit }, { kind: 'entry', entry: a }, [b]],
    ['inp, no match', { kind: 'inp', template: miss }, none, [a, b]],
    [
      'rdAll',
      { kind: 'rdAll', template: hit, limit: 0, after: 0n },
      { kind: 'entries', entries: [a, b] },
      [a, b],
    ],
    [
      'rdAll, limit',
      { kind: 'rdAll', template: hit, limit: 1, after: 0n },
      { kind: 'entries', entries: [a] },
      [a, b],
    ],
    [
      'rdAll, after',
      { kind: 'rdAll', template: hit, limit: 0, after: 1n },
      { kind: 'entries', entries: [b] },
      [a, b],
    ],
    [
      'rdAll, no match',
      { kind: 'rdAll', template: miss, limit: 0, after: 0n },
      { kind: 'entries', entries: [] },
      [a, b],
    ],
    ['inAll', { kind: 'inAll', template: hit, limit: 0 }, { kind: 'entries', entries: [a, b] }, []],
    ['inAll, limit', { kind: 'inAll', template: hit, limit: 1 }, { kind: 'entries', entries: [a] }, [b]],
    [
      'inAll, no match',
      { kind: 'inAll', template: miss, limit: 0 },
      { kind: 'entries', entries: [] },
      [a, b],
    ],
    ['count', { kind: 'count', template: hit }, { kind: 'count', count: 2 }, [a, b]],
    ['count, no match', { kind: 'count', template: miss }, { kind: 'count', count: 0 }, [a, b]],
    [
      'cas',
      { kind: 'cas', template: hit, tuple: added, lease: null },
      { kind: 'cas', inserted: false, entry: a },
      [a, b],
    ],
    [
      'cas, no match',
      { kind: 'cas', template: miss, tuple: added, lease: null },
      { kind: 'cas', inserted: true, entry: told(bobs) },
      [a, b, bobs],
    ],
    [
      'replace',
      { kind: 'replace', template: hit, tuple: added, lease: null },
      { kind: 'entry', entry: a },
      [b, bobs],
    ],
    ['replace, no match', { kind: 'replace', template: miss, tuple: added, lease: null }, none, [a, b]],
    [
      'out, lease',
      { kind: 'out', tuple: added, lease: 5_000 },
      { kind: 'entry', entry: told(timed) },
      [a, b, timed],
    ],
    [
      'cas, lease',
      { kind: 'cas', template: miss, tuple: added, lease: 5_000 },
      { kind: 'cas', inserted: true, entry: told(timed) },
      [a, b, timed],
    ],
    [
      'replace, lease',
      { kind: 'replace', template: hit, tuple: added, lease: 5_000 },
      { kind: 'entry', entry: a },
      [b, timed],
    ],
    ['renew, untimed', { kind: 'renew', template: hit, lease: 5_000 }, none, [a, b]],
    ['renew, no match', { kind: 'renew', template: miss, lease: 5_000 }, none, [a, b]],
  ])('%s', (_, fields, result, contents) => {
    expect(replica.do(fields, 'default', bob)).toEqual(result);
    expect(replica.contents()).toEqual({ kind: 'entries', entries: contents });
  });
});

describe('refusals are results (pitfall 24)', () => {
  const limits = { fieldsMax: 2, fieldBytesMax: 10, tupleBytesMax: 16, resultBytesMax: 176 };
  const large = tuple('x'.repeat(11));
  const wide = template(1, 2, 3);
  const all = { template: template(any, any), limit: 0 };

  it.each<[string, WithoutSpace<Operation>, string, number]>([
    ['out', { kind: 'out', tuple: large, lease: null }, 'FIELD_TOO_LARGE', 10],
    ['rdp', { kind: 'rdp', template: wide }, 'TOO_MANY_FIELDS', 2],
    ['inp', { kind: 'inp', template: wide }, 'TOO_MANY_FIELDS', 2],
    ['rdAll', { kind: 'rdAll', template: wide, limit: 0, after: 0n }, 'TOO_MANY_FIELDS', 2],
    ['inAll', { kind: 'inAll', template: wide, limit: 0 }, 'TOO_MANY_FIELDS', 2],
    ['count', { kind: 'count', template: wide }, 'TOO_MANY_FIELDS', 2],
    ['cas', { kind: 'cas', template: hit, tuple: large, lease: null }, 'FIELD_TOO_LARGE', 10],
    ['cas, template first', { kind: 'cas', template: wide, tuple: large, lease: null }, 'TOO_MANY_FIELDS', 2],
    ['replace', { kind: 'replace', template: hit, tuple: large, lease: null }, 'FIELD_TOO_LARGE', 10],
    ['whole tuple', { kind: 'out', tuple: tuple(1, 2), lease: null }, 'TUPLE_TOO_LARGE', 16],
    ['whole template', { kind: 'rdp', template: template(1, 2) }, 'TUPLE_TOO_LARGE', 16],
    ['a renewal', { kind: 'renew', template: wide, lease: 1 }, 'TOO_MANY_FIELDS', 2],
    ['a short lease in out', { kind: 'out', tuple: added, lease: 2_199 }, 'LEASE_TOO_SHORT', 2_200],
    [
      'a short lease in cas',
      { kind: 'cas', template: miss, tuple: added, lease: 1 },
      'LEASE_TOO_SHORT',
      2_200,
    ],
    [
      'a short lease in cas, even with a match',
      { kind: 'cas', template: hit, tuple: added, lease: 1 },
      'LEASE_TOO_SHORT',
      2_200,
    ],
    [
      'a short lease in replace',
      { kind: 'replace', template: miss, tuple: added, lease: 1 },
      'LEASE_TOO_SHORT',
      2_200,
    ],
    ['a short lease in renew', { kind: 'renew', template: hit, lease: 1 }, 'LEASE_TOO_SHORT', 2_200],
    ['sizes before leases', { kind: 'out', tuple: large, lease: 1 }, 'FIELD_TOO_LARGE', 10],
    ['long reads', { kind: 'rdAll', ...all, after: 0n }, 'RESULT_TOO_LARGE', 2],
    ['long takes', { kind: 'inAll', ...all }, 'RESULT_TOO_LARGE', 2],
  ])('over a limit: %s', (_, fields, code, detail) => {
    const tight = new Replica({ limits });
    const tuples = [tuple('k', true), tuple('k', false), tuple('l', true)];
    for (const values of tuples) tight.do({ kind: 'out', tuple: values, lease: null });
    const { root } = tight.service.checkpoint();
    expect(tight.do(fields)).toEqual({ kind: 'refused', code, detail });
    expect(tight.read(fields)).toBe(null);
    expect(tight.service.checkpoint().root).toBe(root);
  });

  it.each<WithoutSpace<Operation>>([
    { kind: 'out', tuple: added, lease: null },
    { kind: 'rdp', template: hit },
    { kind: 'inp', template: hit },
    { kind: 'rdAll', template: hit, limit: 0, after: 0n },
    { kind: 'inAll', template: hit, limit: 0 },
    { kind: 'count', template: hit },
    { kind: 'cas', template: miss, tuple: added, lease: null },
    { kind: 'replace', template: hit, tuple: added, lease: null },
    { kind: 'renew', template: hit, lease: 5_000 },
  ])('in a space that does not exist: $kind', (fields) => {
    const { root } = replica.service.checkpoint();
    for (const name of ['', 'Default', 'default ', '__proto__', 'constructor']) {
      expect(replica.do(fields, name)).toEqual({ kind: 'refused', code: 'NO_SUCH_SPACE', detail: 0 });
      expect(replica.read(fields, name)).toBe(null);
    }
    expect(replica.service.checkpoint().root).toBe(root);
  });

  it('checks sizes before it looks for the space', () => {
    const tight = new Replica({ limits });
    const refusal = { kind: 'refused', code: 'FIELD_TOO_LARGE', detail: 10 };
    expect(tight.do({ kind: 'out', tuple: large, lease: null }, 'missing')).toEqual(refusal);
  });

  it('a full space', () => {
    const full = new Replica({ limits: { entriesPerSpaceMax: 1 } });
    full.do({ kind: 'out', tuple: added, lease: null });
    const refusal = { kind: 'refused', code: 'SPACE_FULL', detail: 0 };
    expect(full.do({ kind: 'out', tuple: added, lease: null })).toEqual(refusal);
    expect(full.do({ kind: 'cas', template: miss, tuple: added, lease: null })).toEqual(refusal);
    expect(full.do({ kind: 'replace', template: hit, tuple: added, lease: null })).toMatchObject({
      entry: { id: 1n },
    });
  });

  it.each([
    ['no bytes', new Uint8Array(0)],
    ['an operation cut short', operation({ kind: 'rdp', template: hit }).subarray(0, 5)],
    ['an operation with a byte behind it', Uint8Array.of(...operation({ kind: 'rdp', template: hit }), 0)],
  ])('malformed: %s', (_, bytes) => {
    const result = decodeResult(
      replica.service.execute(asked({ client: alice, operation: bytes, time: 0 }), noEffects)!,
    );
    expect(result).toEqual({ kind: 'refused', code: 'MALFORMED_OPERATION', detail: 0 });
    expect(replica.service.query(alice, bytes, 0)).toBe(null);
  });
});

describe('leases in ordered time', () => {
  const lone = template('lone');
  const out: WithoutSpace<Operation> = { kind: 'out', tuple: tuple('lone'), lease: 3_000 };
  const deadlineOf = (result: Result | null): number | null | undefined =>
    result?.kind === 'entry' || result?.kind === 'cas' ? result.entry?.deadline : undefined;

  it('start when they are ordered and end by themselves (pitfalls 16, 18)', () => {
    replica.advanceTime(10_000);
    expect(deadlineOf(replica.do(out))).toBe(13_000);
    expect(replica.service.nextDeadline()).toBe(13_000);
    replica.advanceTime(12_999);
    expect(replica.do({ kind: 'count', template: lone })).toEqual({ kind: 'count', count: 1 });
    replica.advanceTime(13_000);
    expect(replica.do({ kind: 'count', template: lone })).toEqual({ kind: 'count', count: 0 });
    expect(replica.service.nextDeadline()).toBe(null);
  });

  it('are cut down to the longest', () => {
    const short = new Replica({ limits: { leaseMinMs: 100, leaseMaxMs: 1_000 } });
    short.advanceTime(50);
    const [template, lease] = [lone, 2 ** 53 - 1];
    expect(deadlineOf(short.do(out))).toBe(1_050);
    expect(deadlineOf(short.do({ kind: 'renew', template, lease }))).toBe(1_050);
    expect(deadlineOf(short.do({ kind: 'renew', template, lease: 999 }))).toBe(1_049);
    short.do({ kind: 'replace', template, tuple: tuple('lone'), lease });
    expect(deadlineOf(short.do({ kind: 'rdp', template }))).toBe(1_050);
    expect(deadlineOf(short.do({ kind: 'cas', template: miss, tuple: added, lease }))).toBe(1_050);
  });

  it('are renewed by who inserted the entry, from now on', () => {
    replica.do(out);
    replica.advanceTime(2_000);
    const renew: WithoutSpace<Operation> = { kind: 'renew', template: lone, lease: 4_000 };
    expect(replica.do(renew, 'default', bob)).toEqual({ kind: 'entry', entry: null });
    expect(replica.do(renew)).toEqual({
      kind: 'entry',
      entry: { ...entry(3, alice, 'lone'), deadline: 6_000 },
    });
    replica.advanceTime(5_999);
    expect(deadlineOf(replica.do({ kind: 'rdp', template: lone }))).toBe(6_000);
    replica.advanceTime(6_000);
    expect(replica.do(renew)).toEqual({ kind: 'entry', entry: null });
  });

  it('survive a restart elsewhere', () => {
    replica.do(out);
    const copy = new Replica();
    copy.service.restore(replica.service.checkpoint().pages);
    expect(copy.service.nextDeadline()).toBe(3_000);
    for (const each of [replica, copy]) each.advanceTime(3_000);
    expect(copy.contents()).toEqual(replica.contents());
    expect(copy.service.checkpoint().root).toBe(replica.service.checkpoint().root);
  });
});

describe('reads without ordering of what may be over', () => {
  const all = template(any, any);
  const reads: readonly WithoutSpace<Operation>[] = [
    { kind: 'rdp', template: all },
    { kind: 'rdAll', template: all, limit: 0, after: 0n },
    { kind: 'count', template: all },
  ];
  const isAnswered = (fields: WithoutSpace<Operation>, nowMs: number): boolean =>
    replica.read(fields, 'default', nowMs) !== null;

  it.each(reads)('are left to order from clockSkewMax before the deadline on: $kind', (fields) => {
    replica = new Replica();
    replica.do({ kind: 'out', tuple: added, lease: 5_000 });
    expect([4_499, 4_500, 9_999].map((nowMs) => isAnswered(fields, nowMs))).toEqual([true, false, false]);
    replica = new Replica({ clockSkewMaxMs: 0 });
    replica.do({ kind: 'out', tuple: added, lease: 5_000 });
    expect([4_999, 5_000].map((nowMs) => isAnswered(fields, nowMs))).toEqual([true, false]);
  });

  it('change nothing, whatever the clock says (pitfall 17)', () => {
    replica.do({ kind: 'out', tuple: added, lease: 5_000 });
    const { root } = replica.service.checkpoint();
    for (const fields of reads) replica.read(fields, 'default', 99_999);
    expect(replica.service.checkpoint().root).toBe(root);
    expect(replica.service.nextDeadline()).toBe(5_000);
  });

  it('do not mind entries that they do not show', () => {
    replica.do({ kind: 'out', tuple: added, lease: 5_000 });
    expect(isAnswered({ kind: 'rdp', template: hit }, 9_999)).toBe(true);
    expect(isAnswered({ kind: 'rdAll', template: hit, limit: 2, after: 0n }, 9_999)).toBe(true);
    expect(isAnswered({ kind: 'rdAll', template: hit, limit: 3, after: 0n }, 9_999)).toBe(false);
    expect(isAnswered({ kind: 'rdAll', template: hit, limit: 3, after: 3n }, 9_999)).toBe(true);
    expect(isAnswered({ kind: 'count', template: template('k', 1) }, 9_999)).toBe(true);
    expect(isAnswered({ kind: 'count', template: template('k', 9) }, 9_999)).toBe(false);
    expect(isAnswered({ kind: 'count', template: miss }, 9_999)).toBe(true);
  });
});

describe('reads without ordering', () => {
  it.each<[OperationKind, WithoutSpace<Operation>]>([
    ['rdp', { kind: 'rdp', template: hit }],
    ['rdAll', { kind: 'rdAll', template: hit, limit: 1, after: 1n }],
    ['count', { kind: 'count', template: hit }],
  ])('answer what the ordered operation would: %s', (_, fields) => {
    const answer = replica.read(fields);
    expect(answer).not.toBe(null);
    expect(answer).toEqual(
      replica.service.execute(asked({ client: bob, operation: operation(fields), time: 0 }), noEffects),
    );
  });

  it.each<WithoutSpace<Operation>>([
    { kind: 'out', tuple: added, lease: null },
    { kind: 'inp', template: hit },
    { kind: 'inAll', template: hit, limit: 0 },
    { kind: 'cas', template: hit, tuple: added, lease: null },
    { kind: 'replace', template: hit, tuple: added, lease: null },
    { kind: 'renew', template: hit, lease: 5_000 },
  ])('are refused to what writes, which then has not happened (pitfall 17): $kind', (fields) => {
    const { root } = replica.service.checkpoint();
    expect(replica.read(fields)).toBe(null);
    expect(replica.service.checkpoint().root).toBe(root);
  });
});

describe('the service as a state machine', () => {
  it('fits what the ordering layer asks for', () => {
    const machine: StateMachine = createService({ hash: sha256 });
    const result = machine.execute(
      {
        client: alice,
        session: sessionId(1),
        number: 1,
        operation: operation({ kind: 'out', tuple: added, lease: null }),
        sequenceNumber: sequenceNumber(1),
        time: 1_000,
        isVerified: true,
        mayWait: true,
      },
      noEffects,
    );
    expect(decodeResult(result!)).toEqual({
      kind: 'entry',
      entry: { ...entry(1, alice, 'k', 9), tuple: [] },
    });
    expect([machine.version, machine.nextDeadline(), machine.slowCheck(new Uint8Array(3))]).toEqual([
      6,
      null,
      null,
    ]);
  });

  it('starts with the same root everywhere and leaves it only for a change', () => {
    const other = createService({ hash: sha256 });
    const { root } = other.checkpoint();
    expect(createService({ hash: sha256 }).checkpoint().root).toBe(root);
    for (const kind of ['rdp', 'inp', 'count'] as const) {
      other.execute(
        asked({ client: alice, operation: operation({ kind, template: hit }), time: 0 }),
        noEffects,
      );
    }
    expect(other.checkpoint().root).toBe(root);
    expect(replica.service.checkpoint().root).not.toBe(root);
  });

  it('forgets its own state when it takes over another', () => {
    const { pages, root } = new Replica().service.checkpoint();
    replica.service.restore(pages);
    expect(replica.contents()).toEqual({ kind: 'entries', entries: [] });
    expect(replica.service.checkpoint().root).toBe(root);
  });

  it('never throws on any bytes, and answers all of them alike (pitfalls 24, 25, 29)', () => {
    const [one, two] = [createService({ hash: sha256 }), createService({ hash: sha256 })];
    const valid = fc.oneof(
      tupleArbitrary.map((values) => operation({ kind: 'out', tuple: values, lease: null })),
      templateArbitrary.map((pattern) => operation({ kind: 'inp', template: pattern })),
      templateArbitrary.map((pattern) =>
        operation({ kind: 'rdAll', template: pattern, limit: 3, after: 2n }),
      ),
      fc
        .tuple(templateArbitrary, tupleArbitrary)
        .map(([pattern, values]) =>
          operation({ kind: 'replace', template: pattern, tuple: values, lease: 2_300 }),
        ),
      templateArbitrary.map((pattern) => operation({ kind: 'renew', template: pattern, lease: 2_400 })),
    );
    const mutated = fc
      .tuple(
        valid,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        fc.nat(),
      )
      .map(([bytes, changes, cut]) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return cut % 4 === 0 ? copy.subarray(0, cut % (copy.length + 1)) : copy;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated, valid), (bytes) => {
        const answer = one.query(alice, bytes, 0);
        const request = asked({ client: alice, operation: bytes, time: 0 });
        const result = one.execute(request, noEffects);
        // Whoever waits is answered later.
        if (result !== null) expect(decodeResult(result)).not.toBe(null);
        expect(two.execute(request, noEffects)).toEqual(result);
        if (answer !== null) expect(answer).toEqual(result);
        expect(one.slowCheck(bytes)).toBe(null);
      }),
      { numRuns: 3_000 },
    );
    expect(one.checkpoint().root).toBe(two.checkpoint().root);
  });
});
