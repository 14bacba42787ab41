import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeResult, encodeOperation, type Operation } from '../../../src/codec/index.js';
import { createService } from '../../../src/service/index.js';
import { defaultSpaceLimits, type SpaceLimits } from '../../../src/space/index.js';
import { alice, bob, sha256, templateArbitrary, tupleArbitrary } from '../space/samples.js';
import { Model } from './model.js';

/** Tight, so that histories run into them: a long string of the samples fills a tuple, 40 entries a space. */
const limits: SpaceLimits = {
  ...defaultSpaceLimits,
  tupleBytesMax: 1_000,
  resultBytesMax: 1_500,
  entriesPerSpaceMax: 40,
};

type Step = { readonly operation: Operation; readonly isAlice: boolean } | 'restore' | 'checkpoint';

const space = fc.constantFrom(...Array.from({ length: 30 }, () => 'default'), 'missing');
const limit = fc.constantFrom(0, 0, 1, 2, 7, 2 ** 32 - 1);
const after = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 60n }), fc.constant(2n ** 64n - 1n));
const template = templateArbitrary;
const tuple = tupleArbitrary;

const out = fc.record({ kind: fc.constant('out' as const), space, tuple });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 9, arbitrary: out },
  fc.record({ kind: fc.constant('rdp' as const), space, template }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('inp' as const), space, template }) },
  fc.record({ kind: fc.constant('rdAll' as const), space, template, limit, after }),
  fc.record({ kind: fc.constant('inAll' as const), space, template, limit }),
  fc.record({ kind: fc.constant('count' as const), space, template }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cas' as const), space, template, tuple }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('replace' as const), space, template, tuple }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: fc.record({ operation, isAlice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant('checkpoint' as const) },
  { weight: 1, arbitrary: fc.constant('restore' as const) },
);

it('answers as a plain list does; a restored replica and one that never was agree (pitfalls 13, 17, 29)', () => {
  const refusals = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const model = new Model(limits);
      const steady = createService({ hash: sha256, limits });
      let restored = createService({ hash: sha256, limits });
      for (const each of steps) {
        if (each === 'checkpoint') {
          expect(restored.checkpoint().root).toBe(steady.checkpoint().root);
        } else if (each === 'restore') {
          const { pages, root } = restored.checkpoint();
          restored = createService({ hash: sha256, limits });
          restored.restore(pages);
          expect(restored.checkpoint().root).toBe(root);
        } else {
          const client = each.isAlice ? alice : bob;
          const bytes = encodeOperation(each.operation);
          const asRead = restored.query(client, bytes, 0);
          const result = steady.execute({ client, operation: bytes });
          expect(restored.execute({ client, operation: bytes })).toEqual(result);
          const expected = model.answer(each.operation, client);
          expect(decodeResult(result)).toEqual(expected);
          const isRead = ['rdp', 'rdAll', 'count'].includes(each.operation.kind);
          expect(asRead).toEqual(isRead && expected.kind !== 'refused' ? result : null);
          if (expected.kind === 'refused') refusals.add(expected.code);
        }
      }
      expect(restored.checkpoint().root).toBe(steady.checkpoint().root);
    }),
    { numRuns: 60, seed: 20_261, endOnFailure: false },
  );
  expect([...refusals].sort((a, b) => (a < b ? -1 : 1))).toEqual([
    'NO_SUCH_SPACE',
    'RESULT_TOO_LARGE',
    'SPACE_FULL',
    'TUPLE_TOO_LARGE',
  ]);
});
