import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { sequenceNumber, sessionId } from '../../../src/base/index.js';
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
import { createService, type Service, type ServiceOptions } from '../../../src/service/index.js';
import { alice, bob, sha256, template, templateArbitrary, tuple, tupleArbitrary } from '../space/samples.js';

type WithoutSpace<O> = O extends Operation ? Omit<O, 'space'> : never;
const operation = (fields: WithoutSpace<Operation>, space = 'default'): Uint8Array =>
  encodeOperation({ ...fields, space } as Operation);

class Replica {
  readonly service: Service;

  constructor(options: Partial<ServiceOptions> = {}) {
    this.service = createService({ hash: sha256, ...options });
  }

  do(fields: WithoutSpace<Operation>, space?: string, client = alice): Result | null {
    return decodeResult(this.service.execute({ client, operation: operation(fields, space) }));
  }

  read(fields: WithoutSpace<Operation>, space?: string): Uint8Array | null {
    return this.service.query(alice, operation(fields, space), 0);
  }

  contents(): Result | null {
    return this.do({ kind: 'rdAll', template: template(any, any), limit: 0, after: 0n });
  }
}

const entry = (id: number, owner: typeof alice, ...values: unknown[]): Entry => ({
  id: BigInt(id),
  tuple: tuple(...values),
  owner,
});
const a = entry(1, alice, 'k', 1);
const b = entry(2, alice, 'k', 2);
const added = tuple('k', 9);
const bobs = entry(3, bob, 'k', 9);
const hit = template('k', any);
const miss = template('none', any);

let replica: Replica;
beforeEach(() => {
  replica = new Replica();
  for (const { tuple: values } of [a, b]) replica.do({ kind: 'out', tuple: values });
});

describe('every operation does its own thing and nothing else (pitfall 23)', () => {
  const none = { kind: 'entry', entry: null };

  it.each<[string, WithoutSpace<Operation>, unknown, readonly Entry[]]>([
    ['out', { kind: 'out', tuple: added }, { kind: 'entry', entry: bobs }, [a, b, bobs]],
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
    ['cas', { kind: 'cas', template: hit, tuple: added }, { kind: 'cas', inserted: false, entry: a }, [a, b]],
    [
      'cas, no match',
      { kind: 'cas', template: miss, tuple: added },
      { kind: 'cas', inserted: true, entry: bobs },
      [a, b, bobs],
    ],
    ['replace', { kind: 'replace', template: hit, tuple: added }, { kind: 'entry', entry: a }, [b, bobs]],
    ['replace, no match', { kind: 'replace', template: miss, tuple: added }, none, [a, b]],
  ])('%s', (_, fields, result, contents) => {
    expect(replica.do(fields, 'default', bob)).toEqual(result);
    expect(replica.contents()).toEqual({ kind: 'entries', entries: contents });
  });
});

describe('refusals are results (pitfall 24)', () => {
  const limits = { fieldsMax: 2, fieldBytesMax: 10, tupleBytesMax: 16, resultBytesMax: 112 };
  const large = tuple('x'.repeat(11));
  const wide = template(1, 2, 3);
  const all = { template: template(any, any), limit: 0 };

  it.each<[string, WithoutSpace<Operation>, string, number]>([
    ['out', { kind: 'out', tuple: large }, 'FIELD_TOO_LARGE', 10],
    ['rdp', { kind: 'rdp', template: wide }, 'TOO_MANY_FIELDS', 2],
    ['inp', { kind: 'inp', template: wide }, 'TOO_MANY_FIELDS', 2],
    ['rdAll', { kind: 'rdAll', template: wide, limit: 0, after: 0n }, 'TOO_MANY_FIELDS', 2],
    ['inAll', { kind: 'inAll', template: wide, limit: 0 }, 'TOO_MANY_FIELDS', 2],
    ['count', { kind: 'count', template: wide }, 'TOO_MANY_FIELDS', 2],
    ['cas', { kind: 'cas', template: hit, tuple: large }, 'FIELD_TOO_LARGE', 10],
    ['cas, template first', { kind: 'cas', template: wide, tuple: large }, 'TOO_MANY_FIELDS', 2],
    ['replace', { kind: 'replace', template: hit, tuple: large }, 'FIELD_TOO_LARGE', 10],
    ['whole tuple', { kind: 'out', tuple: tuple(1, 2) }, 'TUPLE_TOO_LARGE', 16],
    ['whole template', { kind: 'rdp', template: template(1, 2) }, 'TUPLE_TOO_LARGE', 16],
    ['long reads', { kind: 'rdAll', ...all, after: 0n }, 'RESULT_TOO_LARGE', 2],
    ['long takes', { kind: 'inAll', ...all }, 'RESULT_TOO_LARGE', 2],
  ])('over a limit: %s', (_, fields, code, detail) => {
    const tight = new Replica({ limits });
    const tuples = [tuple('k', true), tuple('k', false), tuple('l', true)];
    for (const values of tuples) tight.do({ kind: 'out', tuple: values });
    const { root } = tight.service.checkpoint();
    expect(tight.do(fields)).toEqual({ kind: 'refused', code, detail });
    expect(tight.read(fields)).toBe(null);
    expect(tight.service.checkpoint().root).toBe(root);
  });

  it.each<WithoutSpace<Operation>>([
    { kind: 'out', tuple: added },
    { kind: 'rdp', template: hit },
    { kind: 'inp', template: hit },
    { kind: 'rdAll', template: hit, limit: 0, after: 0n },
    { kind: 'inAll', template: hit, limit: 0 },
    { kind: 'count', template: hit },
    { kind: 'cas', template: miss, tuple: added },
    { kind: 'replace', template: hit, tuple: added },
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
    expect(tight.do({ kind: 'out', tuple: large }, 'missing')).toEqual(refusal);
  });

  it('a full space', () => {
    const full = new Replica({ limits: { entriesPerSpaceMax: 1 } });
    full.do({ kind: 'out', tuple: added });
    const refusal = { kind: 'refused', code: 'SPACE_FULL', detail: 0 };
    expect(full.do({ kind: 'out', tuple: added })).toEqual(refusal);
    expect(full.do({ kind: 'cas', template: miss, tuple: added })).toEqual(refusal);
    expect(full.do({ kind: 'replace', template: hit, tuple: added })).toMatchObject({ entry: { id: 1n } });
  });

  it.each([
    ['no bytes', new Uint8Array(0)],
    ['an operation cut short', operation({ kind: 'rdp', template: hit }).subarray(0, 5)],
    ['an operation with a byte behind it', Uint8Array.of(...operation({ kind: 'rdp', template: hit }), 0)],
  ])('malformed: %s', (_, bytes) => {
    const result = decodeResult(replica.service.execute({ client: alice, operation: bytes }));
    expect(result).toEqual({ kind: 'refused', code: 'MALFORMED_OPERATION', detail: 0 });
    expect(replica.service.query(alice, bytes, 0)).toBe(null);
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
    expect(answer).toEqual(replica.service.execute({ client: bob, operation: operation(fields) }));
  });

  it.each<WithoutSpace<Operation>>([
    { kind: 'out', tuple: added },
    { kind: 'inp', template: hit },
    { kind: 'inAll', template: hit, limit: 0 },
    { kind: 'cas', template: hit, tuple: added },
    { kind: 'replace', template: hit, tuple: added },
  ])('are refused to what writes, which then has not happened (pitfall 17): $kind', (fields) => {
    const { root } = replica.service.checkpoint();
    expect(replica.read(fields)).toBe(null);
    expect(replica.service.checkpoint().root).toBe(root);
  });
});

describe('the service as a state machine', () => {
  it('fits what the ordering layer asks for', () => {
    const machine: StateMachine = createService({ hash: sha256 });
    const result = machine.execute({
      client: alice,
      session: sessionId(1),
      number: 1,
      operation: operation({ kind: 'out', tuple: added }),
      sequenceNumber: sequenceNumber(1),
      time: 1_000,
      isVerified: true,
    });
    expect(decodeResult(result)).toEqual({ kind: 'entry', entry: entry(1, alice, 'k', 9) });
    expect([machine.version, machine.nextDeadline(), machine.slowCheck(new Uint8Array(3))]).toEqual([
      1,
      null,
      null,
    ]);
  });

  it('starts with the same root everywhere and leaves it only for a change', () => {
    const other = createService({ hash: sha256 });
    const { root } = other.checkpoint();
    expect(createService({ hash: sha256 }).checkpoint().root).toBe(root);
    for (const kind of ['rdp', 'inp', 'count'] as const) {
      other.execute({ client: alice, operation: operation({ kind, template: hit }) });
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
      tupleArbitrary.map((values) => operation({ kind: 'out', tuple: values })),
      templateArbitrary.map((pattern) => operation({ kind: 'inp', template: pattern })),
      templateArbitrary.map((pattern) =>
        operation({ kind: 'rdAll', template: pattern, limit: 3, after: 2n }),
      ),
      fc
        .tuple(templateArbitrary, tupleArbitrary)
        .map(([pattern, values]) => operation({ kind: 'replace', template: pattern, tuple: values })),
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
        const result = one.execute({ client: alice, operation: bytes });
        expect(decodeResult(result)).not.toBe(null);
        expect(two.execute({ client: alice, operation: bytes })).toEqual(result);
        if (answer !== null) expect(answer).toEqual(result);
        expect(one.slowCheck(bytes)).toBe(null);
      }),
      { numRuns: 3_000 },
    );
    expect(one.checkpoint().root).toBe(two.checkpoint().root);
  });
});
