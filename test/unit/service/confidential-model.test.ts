/** A confidential space and one that is restored again and again against the naive model: repairs, blacklists, pardons. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { clientName, sessionId, type ClientName } from '../../../src/base/index.js';
import {
  any,
  encodeRepairEvidence,
  type Access,
  type RepairSubject,
  type Result,
  type SpaceEvent,
  type SpaceOperation,
} from '../../../src/codec/index.js';
import { defaultSpaceLimits, type SpaceLimits } from '../../../src/space/index.js';
import { concealedFields, fingerprintArbitrary, fingerprintTemplateArbitrary } from '../space/samples.js';
import { GuardedService, keyOf, type Asked } from '../../support/guarded-service.js';
import { Model, vaultName as space, type ModelSubscription } from './model.js';

fc.configureGlobal({ seed: 20267 });

const limits: SpaceLimits = {
  ...defaultSpaceLimits,
  leaseMinMs: 10,
  leaseMaxMs: 60,
  waitMaxMs: 100,
  waitsPerClientMax: 6,
  subscriptionsPerClientMax: 3,
};
const tagKey = new Uint8Array(32).fill(0x6b);
const names = ['alice', 'bob', 'mallory'].map(clientName);
const who = fc.constantFrom(...names);

/** Evidence about the entry itself, or that leaves it in one point; and a proof that shows nothing. */
const lies = [
  'none',
  'none',
  'none',
  'proof',
  'bytes',
  'fingerprint',
  'tag key',
  'inserter',
  'space',
  'id',
] as const;
type Lie = (typeof lies)[number];

type Step =
  | { readonly operation: SpaceOperation; readonly client: ClientName }
  /** Of the entry that was inserted so many insertions ago. */
  | { readonly repairs: number; readonly lie: Lie; readonly client: ClientName }
  | { readonly pardons: ClientName }
  | { readonly passMs: number }
  | 'read'
  | 'restore';

const template = fc.oneof(fingerprintTemplateArbitrary, fc.array(fc.constant(any), { maxLength: 3 }));
const lease = fc.oneof(fc.constant(null), fc.integer({ min: 9, max: 70 }), fc.constant(10));
const timeout = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 110 }));
const access: fc.Arbitrary<Access> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  fc.record({ readers: fc.subarray(names) }),
  fc.record({ takers: fc.subarray(names) }),
);
const sealed = fc.oneof(
  { weight: 20, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => ({ sealed: bytes })) },
  fc.constant({}),
);
type Out = Extract<SpaceOperation, { readonly kind: 'out' }>;
type Swap = Extract<SpaceOperation, { readonly kind: 'cas' | 'replace' }>;
type Beside = Access & { readonly sealed?: Uint8Array };
const inserting = <O extends object>(plain: fc.Arbitrary<O>): fc.Arbitrary<O & Beside> =>
  fc.tuple(plain, access, sealed).map(([fields, lists, hidden]) => ({ ...fields, ...lists, ...hidden }));
const of = <K extends string>(...kinds: readonly K[]) => fc.constantFrom(...kinds);
const inVault = fc.constant<string>(space);
const insertion = { space: inVault, tuple: fingerprintArbitrary, lease };

const operation: fc.Arbitrary<SpaceOperation> = fc.oneof(
  { weight: 8, arbitrary: inserting<Out>(fc.record({ kind: of('out'), ...insertion })) },
  {
    weight: 3,
    arbitrary: inserting<Swap>(fc.record({ kind: of('cas', 'replace'), template, ...insertion })),
  },
  { weight: 3, arbitrary: fc.record({ kind: of('rdp', 'inp', 'count'), space: inVault, template }) },
  fc.record({ kind: of('rdAll'), space: inVault, template, limit: fc.nat(3), after: fc.constant(0n) }),
  fc.record({ kind: of('inAll'), space: inVault, template, limit: fc.nat(3) }),
  { weight: 3, arbitrary: fc.record({ kind: of('rd', 'in'), space: inVault, template, timeout }) },
  fc.record({ kind: of('renew'), space: inVault, template, lease: fc.integer({ min: 9, max: 70 }) }),
  fc.record({ kind: of('subscribe'), space: inVault, template, from: fc.option(fc.constant(1)) }),
  fc.record({
    kind: of('cancel'),
    space: inVault,
    session: fc.constant(sessionId(1)),
    number: fc.integer({ min: 1, max: 40 }),
  }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 24, arbitrary: fc.record({ operation, client: who }) },
  { weight: 8, arbitrary: fc.record({ repairs: fc.nat(6), lie: fc.constantFrom(...lies), client: who }) },
  { weight: 8, arbitrary: fc.record({ pardons: who }) },
  { weight: 5, arbitrary: fc.record({ passMs: fc.nat(20) }) },
  { weight: 2, arbitrary: of('read') },
  { weight: 2, arbitrary: of('restore') },
);

const changes: Readonly<Record<Lie, (subject: RepairSubject) => Partial<RepairSubject>>> = {
  none: () => ({}),
  proof: () => ({}),
  bytes: ({ sealed: own }) => ({ sealed: { ...own, bytes: Uint8Array.of(9, 9, 9, 9, 9) } }),
  fingerprint: ({ fingerprint }) => ({ fingerprint: [...fingerprint, concealedFields[0]!] }),
  'tag key': () => ({ tagKey: new Uint8Array(32) }),
  inserter: ({ sealed: own }) => ({ sealed: { ...own, inserter: keyOf('nobody') } }),
  space: ({ sealed: own }) => ({ sealed: { ...own, space: 'default' } }),
  id: () => ({ id: 10_000n }),
};

class Comparison {
  readonly model = new Model(limits, { tagKey, keyOf });
  readonly services = [0, 1].map(() => new GuardedService(['admin', ...names], { limits }));
  readonly seen: Set<string>;
  #time = 1_000;

  constructor(seen: Set<string>) {
    this.seen = seen;
    for (const service of this.services)
      service.create(space, { confidential: { tagKey, sealedKey: Uint8Array.of(1) } });
    this.model.advanceTime(this.#time);
  }

  take(next: Step): void {
    if (next === 'restore') this.services[1]!.restore();
    else if (next === 'read') this.#read();
    else if ('passMs' in next) this.#pass(next.passMs);
    else if ('pardons' in next) {
      this.#ask('admin', { kind: 'clientPardon', name: next.pardons }, '');
      if (this.model.blacklisted.delete(next.pardons)) this.seen.add('pardoned');
    } else if ('repairs' in next) this.#repair(next.repairs, next.lie, next.client);
    else this.#do(next.operation, next.client);
    this.#compareWoken();
    expect(this.services[1]!.root).toBe(this.services[0]!.root);
  }

  #ask(client: string, fields: Asked, name: string, isVerified = true): Result | null {
    const [steady, restored] = this.services.map((service) => service.ask(client, fields, name, isVerified));
    expect(restored).toEqual(steady);
    return steady!;
  }

  #do({ space: name, ...fields }: SpaceOperation, client: ClientName): void {
    const given = this.#ask(client, fields as Asked, name);
    const number = this.services[0]!.lastNumber;
    const asked = { space: name, ...fields } as SpaceOperation;
    expect(given).toEqual(this.model.answer(asked, { client, session: sessionId(1), number }));
    this.seen.add(given?.kind === 'refused' ? given.code : asked.kind);
  }

  #repair(ago: number, lie: Lie, client: ClientName): void {
    const inserted = this.model.events.filter(({ kind }) => kind === 'inserted').at(-1 - ago);
    if (inserted === undefined) return;
    const { id, tuple: fingerprint, sealed: own } = inserted.entry;
    const subject = { id, fingerprint, sealed: own!, tagKey };
    const claimed = { ...subject, ...changes[lie](subject) };
    const last = this.model.events.findLast(({ entry }) => entry.id === id)!.kind;
    const evidence = encodeRepairEvidence({ subject: claimed, proof: new Uint8Array(0) });
    const given = this.#ask(client, { kind: 'repair', evidence }, space, lie !== 'proof');
    expect(given).toEqual(this.model.repair(claimed, lie !== 'proof', client));
    this.seen.add(given?.kind === 'refused' ? given.code : `repaired once ${last}`);
    this.#compareClients();
  }

  #compareClients(): void {
    const listed = this.#ask('admin', { kind: 'clientList' }, '');
    if (listed?.kind !== 'clients') throw new Error('clients are listed');
    for (const { name, blacklisted, forgedRepairs } of listed.clients) {
      expect(blacklisted !== null).toBe(this.model.blacklisted.has(name));
      expect(forgedRepairs).toBe(this.model.forgedRepairs.get(name) ?? 0);
    }
  }

  #pass(ms: number): void {
    this.#time += ms;
    this.model.advanceTime(this.#time);
    for (const service of this.services) service.advanceTime(this.#time);
  }

  #read(): void {
    for (const subscription of this.model.subscriptions) {
      const told = this.#expected(subscription);
      for (const service of this.services)
        expect(service.told(subscription.client, subscription.number)).toEqual(told);
      this.seen.add(subscription.end === undefined ? 'told' : 'told of the end');
    }
  }

  #expected(subscription: ModelSubscription): SpaceEvent[] {
    const told = this.model.told(subscription, 0).map(({ kind, entry }): SpaceEvent => ({ kind, entry }));
    return subscription.end === undefined ? told : [...told, { kind: 'ended', code: 'CLIENT_BLACKLISTED' }];
  }

  #compareWoken(): void {
    for (const { effects } of this.services) expect(effects.resolved.splice(0)).toEqual(this.model.woken);
    if (this.model.woken.length > 0) this.seen.add('woken');
    this.model.woken = [];
  }
}

it('a confidential space, restored or not, does as the naive one', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const comparison = new Comparison(seen);
      for (const each of steps) comparison.take(each);
      comparison.take('read');
    }),
    { numRuns: 200 },
  );
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...['out', 'cas', 'replace', 'rdp', 'inp', 'rdAll', 'inAll', 'count', 'renew', 'cancel', 'subscribe'],
      ...['SEALED_MISSING', 'CLIENT_BLACKLISTED', 'REPAIR_UNPROVEN', 'NOTHING_TO_REPAIR'],
      ...['inserted', 'taken', 'expired', 'replaced', 'repaired'].map((last) => `repaired once ${last}`),
      ...['pardoned', 'woken', 'told', 'told of the end'],
    ]),
  );
});
