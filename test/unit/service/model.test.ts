import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeResult, encodeOperation, type Operation, type Result } from '../../../src/codec/index.js';
import { createService, type Service } from '../../../src/service/index.js';
import { defaultSpaceLimits, type SpaceLimits } from '../../../src/space/index.js';
import { alice, bob, sha256, templateArbitrary, tupleArbitrary } from '../space/samples.js';
import { Model } from './model.js';

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
};
const clockSkewMaxMs = 15;

type Step =
  | {
      readonly operation: Operation;
      readonly isAlice: boolean;
      /** By so much the clock of the replica that is asked is ahead of ordered time. */
      readonly aheadMs: number;
    }
  | { readonly passMs: number }
  | 'restore'
  | 'checkpoint';

const space = fc.constantFrom(...Array.from({ length: 30 }, () => 'default'), 'missing');
const limit = fc.constantFrom(0, 0, 1, 2, 7, 2 ** 32 - 1);
const after = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 60n }), fc.constant(2n ** 64n - 1n));
const template = templateArbitrary;
const tuple = tupleArbitrary;

const lease = fc.oneof(fc.constant(null), fc.integer({ min: 9, max: 70 }));

const out = fc.record({ kind: fc.constant('out' as const), space, tuple, lease });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 9, arbitrary: out },
  fc.record({ kind: fc.constant('rdp' as const), space, template }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('inp' as const), space, template }) },
  fc.record({ kind: fc.constant('rdAll' as const), space, template, limit, after }),
  fc.record({ kind: fc.constant('inAll' as const), space, template, limit }),
  fc.record({ kind: fc.constant('count' as const), space, template }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cas' as const), space, template, tuple, lease }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('replace' as const), space, template, tuple, lease }),
  },
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
function isSteady(model: Model, operation: Operation, expected: Result, time: number): boolean {
  if (operation.kind === 'count') return model.isSteady(operation.template, time);
  const entries = expected.kind === 'entries' ? expected.entries : [];
  const shown = expected.kind === 'entry' && expected.entry !== null ? [expected.entry] : entries;
  return shown.every(({ deadline }) => deadline === null || deadline > time);
}

it('answers as a plain list does; a restored replica and one that never was agree (pitfalls 13, 16, 17, 29)', () => {
  const refusals = new Set<string>();
  const seen = { expired: 0, renewed: 0, steady: 0, unsteady: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const model = new Model(limits);
      const steady = newService();
      let restored = newService();
      for (const each of steps) {
        if (each === 'checkpoint') {
          expect(restored.checkpoint().root).toBe(steady.checkpoint().root);
        } else if (each === 'restore') {
          restored = restoredFrom(restored);
        } else if ('passMs' in each) {
          const before = model.entries.length;
          model.advanceTime(model.time + each.passMs);
          for (const service of [steady, restored]) service.advanceTime(model.time);
          seen.expired += before - model.entries.length;
        } else {
          const { operation: asked, aheadMs } = each;
          const client = each.isAlice ? alice : bob;
          const [bytes, { time }] = [encodeOperation(asked), model];
          const asRead = restored.query(client, bytes, time + aheadMs);
          const result = steady.execute({ client, operation: bytes, time });
          expect(restored.execute({ client, operation: bytes, time })).toEqual(result);
          const expected = model.answer(asked, client);
          expect(decodeResult(result)).toEqual(expected);
          const isRead = ['rdp', 'rdAll', 'count'].includes(asked.kind) && expected.kind !== 'refused';
          const isAnswered = isRead && isSteady(model, asked, expected, time + aheadMs + clockSkewMaxMs);
          expect(asRead).toEqual(isAnswered ? result : null);
          if (isRead) seen[isAnswered ? 'steady' : 'unsteady']++;
          if (asked.kind === 'renew' && expected.kind === 'entry' && expected.entry) seen.renewed++;
          if (expected.kind === 'refused') refusals.add(expected.code);
        }
        expect([steady.nextDeadline(), restored.nextDeadline()]).toEqual([
          model.nextDeadline,
          model.nextDeadline,
        ]);
      }
      expect(restored.checkpoint().root).toBe(steady.checkpoint().root);
    }),
    { numRuns: 60, seed: 20_261, endOnFailure: false },
  );
  expect([...refusals].sort((a, b) => (a < b ? -1 : 1))).toEqual([
    'LEASE_TOO_SHORT',
    'NO_SUCH_SPACE',
    'RESULT_TOO_LARGE',
    'SPACE_FULL',
    'TUPLE_TOO_LARGE',
  ]);
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(100);
});
