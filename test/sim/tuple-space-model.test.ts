/** The naive model and the real service, held against each other: either may be wrong. */
import { describe, expect, it } from 'vitest';
import { prng, toHex } from '../../src/base/index.js';
import type { Prng } from '../../src/base/index.js';
import { any, Double, encodeOperation, encodeResult, formal } from '../../src/codec/index.js';
import type { Field, Operation, TemplateField } from '../../src/codec/index.js';
import { applyToSpace, emptySpace, spaceStateKey } from '../../src/sim/checkers/tuple-space-model.js';
import { client, freshService } from './histories.js';

const fields: readonly Field[] = ['a', 'b', 1, 2, new Double(1), 1.5, true, Uint8Array.of(1), 1n << 60n];
const formals: readonly TemplateField[] = [any, ...Object.values(formal)];

function drawTemplateField(random: Prng): TemplateField {
  return random.chance(1, 2) ? random.pick(formals) : { kind: 'value', value: random.pick(fields) };
}

function drawOperation(random: Prng): Operation {
  const arity = random.between(1, 2);
  const tuple = Array.from({ length: arity }, () => random.pick(fields));
  const template = Array.from({ length: arity }, () => drawTemplateField(random));
  const space = 'default';
  const limit = random.below(4);
  switch (random.below(8)) {
    case 0:
      return { kind: 'rdp', space, template };
    case 1:
      return { kind: 'inp', space, template };
    case 2:
      return { kind: 'rdAll', space, template, limit, after: BigInt(random.below(30)) };
    case 3:
      return { kind: 'inAll', space, template, limit };
    case 4:
      return { kind: 'count', space, template };
    case 5:
      return { kind: 'cas', space, template, tuple };
    case 6:
      return { kind: 'replace', space, template, tuple };
    default:
      return { kind: 'out', space, tuple };
  }
}

describe('naive tuple space', () => {
  it('answers like the service, operation by operation', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = prng(seed).stream('model');
      const service = freshService();
      let state = emptySpace;
      for (let step = 0; step < 150; step++) {
        const operation = drawOperation(random);
        const [next, result] = applyToSpace(state, { client, operation });
        state = next;
        const bytes = encodeOperation(operation);
        const answer = service.execute({ client, operation: bytes } as Parameters<typeof service.execute>[0]);
        expect(toHex(answer), `seed ${seed} step ${step} ${operation.kind}`).toBe(
          toHex(encodeResult(result)),
        );
      }
    }
  });

  it('tells states apart by their entries and by the next id', () => {
    const insert: Operation = { kind: 'out', space: 'default', tuple: ['a'] };
    const take: Operation = { kind: 'inp', space: 'default', template: [any] };
    const [one] = applyToSpace(emptySpace, { client, operation: insert });
    const [none] = applyToSpace(one, { client, operation: take });
    const keys = [emptySpace, one, none].map(spaceStateKey);
    expect(new Set(keys).size).toBe(3);
  });
});
