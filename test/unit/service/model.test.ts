import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { clientId, sessionId, type ClientName } from '../../../src/base/index.js';
import {
  decodeEvent,
  decodeResult,
  encodeOperation,
  type Access,
  type Entry,
  type EventKind,
  type SpaceOperation,
  type Result,
} from '../../../src/codec/index.js';
import { createService, type Service } from '../../../src/service/index.js';
import { defaultSpaceLimits, type SpaceLimits } from '../../../src/space/index.js';
import { alice, bob, sha256, templateArbitrary, tupleArbitrary } from '../space/samples.js';
import { NotedEffects } from '../../support/effects.js';
import { Model, type Who } from './model.js';

interface SpaceEvent {
  readonly sequence: number;
  readonly kind: EventKind;
  readonly entry: Entry;
}

/**
 * Tight, so that histories run into them: a long string of the samples fills a tuple, 40 entries a space,
 * leases of 10 to 60 ms.
 */
const limits: SpaceLimits = {
  ...defaultSpaceLimits,
  tupleBytesMax: 1_000,
  resultBytesMax: 1_500,
  entriesPerSpaceMax: 40,
  leaseMinMs: 10,
  leaseMaxMs: 60,
  waitsPerClientMax: 6,
  waitMaxMs: 100,
  subscriptionsPerClientMax: 3,
  eventsPerSpaceMax: 64,
};
const clockSkewMaxMs = 15;

type Step =
  | {
      readonly operation: SpaceOperation;
      readonly isAlice: boolean;
      /** By so much the clock of the replica that is asked is ahead of ordered time. */
      readonly aheadMs: number;
    }
  | { readonly passMs: number }
  | { readonly endsSession: number }
  /** Everybody reads his feed from the event after this one on, so many events at a time. */
  | { readonly readAfter: number; readonly eventsMax: number }
  | 'restore'
  | 'checkpoint';

const space = fc.constantFrom(...Array.from({ length: 30 }, () => 'default'), 'missing');
const limit = fc.constantFrom(0, 0, 1, 2, 7, 2 ** 32 - 1);
const after = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 60n }), fc.constant(2n ** 64n - 1n));
const template = templateArbitrary;
const tuple = tupleArbitrary;

const lease = fc.oneof(fc.constant(null), fc.integer({ min: 9, max: 70 }));

const timeout = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 110 }));
const session = fc.constantFrom(sessionId(1), sessionId(2), sessionId(3));

const names = fc.constantFrom<ClientName[]>([], [alice], [bob], [alice, bob]);
const access: fc.Arbitrary<Access> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.record({ readers: names }),
  fc.record({ takers: names }),
  fc.record({ readers: names, takers: names }),
);
type Swap = Extract<SpaceOperation, { readonly kind: 'cas' | 'replace' }>;
const inserting = <O extends object>(plain: fc.Arbitrary<O>): fc.Arbitrary<O & Access> =>
  fc.tuple(plain, access).map(([fields, lists]) => ({ ...fields, ...lists }));

const out = inserting(fc.record({ kind: fc.constant('out' as const), space, tuple, lease }));
const operation: fc.Arbitrary<SpaceOperation> = fc.oneof(
  { weight: 9, arbitrary: out },
  fc.record({ kind: fc.constant('rdp' as const), space, template }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('inp' as const), space, template }) },
  fc.record({ kind: fc.constant('rdAll' as const), space, template, limit, after }),
  fc.record({ kind: fc.constant('inAll' as const), space, template, limit }),
  fc.record({ kind: fc.constant('count' as const), space, template }),
  {
    weight: 2,
    arbitrary: inserting<Swap>(
      fc.record({ kind: fc.constant('cas' as const), space, template, tuple, lease }),
    ),
  },
  {
    weight: 2,
    arbitrary: inserting<Swap>(
      fc.record({ kind: fc.constant('replace' as const), space, template, tuple, lease }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('rd' as const, 'in' as const), space, template, timeout }),
  },
  fc.record({
    kind: fc.constant('cancel' as const),
    space,
    session,
    number: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    kind: fc.constant('subscribe' as const),
    space,
    template,
    from: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 200 })),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('renew' as const),
      space,
      template,
      lease: fc.integer({ min: 9, max: 70 }),
    }),
  },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: fc.record({ operation, isAlice: fc.boolean(), aheadMs: fc.nat({ max: 3 }) }) },
  { weight: 6, arbitrary: fc.record({ passMs: fc.nat({ max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ endsSession: session }) },
  {
    weight: 2,
    arbitrary: fc.record({ readAfter: fc.nat({ max: 200 }), eventsMax: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.constant('checkpoint' as const) },
  { weight: 1, arbitrary: fc.constant('restore' as const) },
);

const newService = (): Service => createService({ hash: sha256, limits, clockSkewMaxMs });

function restoredFrom(service: Service): Service {
  const { pages, root } = service.checkpoint();
  const restored = newService();
  restored.restore(pages);
  expect(restored.checkpoint().root).toBe(root);
  return restored;
}

/** Whether a fast read may be answered: nothing in it, or counted by it, is over by `time`. */
function isSteady(model: Model, operation: SpaceOperation, expected: Result, time: number): boolean {
  if (operation.kind === 'count') return model.isSteady(operation.template, time);
  const entries = expected.kind === 'entries' ? expected.entries : [];
  const shown = expected.kind === 'entry' && expected.entry !== null ? [expected.entry] : entries;
  return shown.every(({ deadline }) => deadline === null || deadline > time);
}

/** Where nobody is registered, names are keys. */
const asKey = (who: Who) => ({ ...who, client: clientId(who.client) });

const whoIs = (isAlice: boolean, step: number): Who => ({
  client: isAlice ? alice : bob,
  session: sessionId(isAlice ? 1 + (step % 2) : 3),
  number: step + 1,
});

/** All that a subscription is told after `after`, read bit by bit; or that it is not all held. */
function readAll(service: Service, who: Who, after: number, eventsMax: number): SpaceEvent[] | 'truncated' {
  const events: SpaceEvent[] = [];
  let position = { after, scanned: after };
  for (;;) {
    const part = service.readFeed(asKey(who), position, { eventsMax, bytesMax: 2_000 });
    expect(part).not.toBe(null);
    if (part!.kind === 'truncated') return 'truncated';
    for (const { sequence, data } of part!.events) {
      const event = decodeEvent(data)!;
      if (event.kind === 'ended') throw new Error('nothing ends a subscription here');
      events.push({ sequence, ...event });
      position = { ...position, after: sequence };
    }
    expect(part!.events.length).toBeLessThanOrEqual(eventsMax);
    expect(part!.scanned).toBeGreaterThanOrEqual(position.after);
    position = { ...position, scanned: part!.scanned };
    if (part!.isAtEnd) return events;
  }
}

/** A service under test, and what it did to those who wait. */
class Subject {
  service = newService();
  readonly effects = new NotedEffects();

  restore(): void {
    this.service = restoredFrom(this.service);
  }
}

class Comparison {
  readonly model = new Model(limits);
  readonly steady = new Subject();
  readonly restored = new Subject();
  readonly refusals: Set<string>;
  readonly seen: Record<string, number>;
  #steps = 0;

  constructor(refusals: Set<string>, seen: Record<string, number>) {
    this.refusals = refusals;
    this.seen = seen;
  }

  get subjects(): readonly Subject[] {
    return [this.steady, this.restored];
  }

  take(step: Step): void {
    this.#steps++;
    if (step === 'checkpoint') {
      expect(this.restored.service.checkpoint().root).toBe(this.steady.service.checkpoint().root);
    } else if (step === 'restore') {
      this.restored.restore();
    } else if ('passMs' in step) this.#pass(step.passMs);
    else if ('endsSession' in step) {
      this.model.endSession(sessionId(step.endsSession));
      for (const { service } of this.subjects) service.endSession(sessionId(step.endsSession));
    } else if ('readAfter' in step) this.#read(step.readAfter, step.eventsMax);
    else this.#ask(step.operation, whoIs(step.isAlice, this.#steps), step.aheadMs);
    this.#compareWoken();
    for (const { service } of this.subjects) expect(service.nextDeadline()).toBe(this.model.nextDeadline);
  }

  #pass(ms: number): void {
    const { model } = this;
    const before = model.entries.length;
    model.advanceTime(model.time + ms);
    for (const { service, effects } of this.subjects) service.advanceTime(model.time, effects);
    this.#note('expired', before - model.entries.length);
  }

  /** A replica that was restored may not know that nothing of what it lacks matters. */
  #read(after: number, eventsMax: number): void {
    for (const subscription of this.model.subscriptions) {
      for (const { service } of this.subjects) {
        const events = readAll(service, subscription, after, eventsMax);
        if (events !== 'truncated') expect(events).toEqual(this.model.told(subscription, after));
        else expect(Math.max(after + 1, subscription.from)).toBeLessThan(this.model.oldestEvent);
        this.#note(events === 'truncated' ? 'truncated' : 'told', 1);
      }
    }
  }

  #ask(asked: SpaceOperation, who: Who, aheadMs: number): void {
    const { model, restored, steady } = this;
    const { time } = model;
    const operation = encodeOperation(asked);
    const asRead = restored.service.query(clientId(who.client), operation, time + aheadMs);
    const ordered = { ...asKey(who), operation, time, mayWait: true, isVerified: true };
    const result = steady.service.execute(ordered, steady.effects);
    expect(restored.service.execute(ordered, restored.effects)).toEqual(result);
    const expected = model.answer(asked, who);
    expect(result === null ? null : decodeResult(result)).toEqual(expected);
    const isRead =
      ['rdp', 'rdAll', 'count'].includes(asked.kind) && expected !== null && expected.kind !== 'refused';
    const isAnswered = isRead && isSteady(model, asked, expected, time + aheadMs + clockSkewMaxMs);
    expect(asRead).toEqual(isAnswered ? result : null);
    if (isRead) this.#note(isAnswered ? 'steady' : 'unsteady', 1);
    if (expected?.kind === 'cas' && !expected.inserted && expected.entry === null) this.#note('hidden', 1);
    if (asked.kind === 'renew' && expected?.kind === 'entry' && expected.entry) this.#note('renewed', 1);
    if (expected?.kind === 'refused') this.refusals.add(expected.code);
  }

  /** Those who were woken, in order. */
  #compareWoken(): void {
    const { model } = this;
    for (const { effects } of this.subjects) expect(effects.resolved.splice(0)).toEqual(model.woken);
    for (const { result } of model.woken) {
      if (result.kind === 'cancelled') this.#note('cancelled', 1);
      else this.#note(result.kind === 'entry' && result.entry === null ? 'timedOut' : 'woken', 1);
    }
    model.woken = [];
  }

  #note(what: string, count: number): void {
    this.seen[what] = (this.seen[what] ?? 0) + count;
  }
}

it('answers as plain lists do; a restored replica and one that never was agree (pitfalls 13, 16, 17, 19, 29)', () => {
  const refusals = new Set<string>();
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const comparison = new Comparison(refusals, seen);
      for (const each of steps) comparison.take(each);
      const [steady, restored] = comparison.subjects.map(({ service }) => service.checkpoint().root);
      expect(restored).toBe(steady);
    }),
    { numRuns: 60, seed: 20_261, endOnFailure: false },
  );
  expect([...refusals].sort((a, b) => (a < b ? -1 : 1))).toEqual([
    'HISTORY_TRUNCATED',
    'LEASE_TOO_SHORT',
    'NO_SUCH_SPACE',
    'NO_SUCH_WAIT',
    'RESULT_TOO_LARGE',
    'SPACE_FULL',
    'TOO_MANY_SUBSCRIPTIONS',
    'TOO_MANY_WAITS',
    'TUPLE_TOO_LARGE',
    'WAIT_TOO_LONG',
  ]);
  const all = 'cancelled expired hidden renewed steady timedOut told truncated unsteady woken'.split(' ');
  expect(Object.keys(seen).sort((a, b) => (a < b ? -1 : 1))).toEqual(all);
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0);
});
