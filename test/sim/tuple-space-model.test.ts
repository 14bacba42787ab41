/** The naive model and the real service, held against each other: either may be wrong. */
import { describe, expect, it } from 'vitest';
import { clientId, prng, toHex } from '../../src/base/index.js';
import type { Prng } from '../../src/base/index.js';
import { any, Double, encodeOperation, encodeResult, formal } from '../../src/codec/index.js';
import type { PlainField, Operation, TemplateField } from '../../src/codec/index.js';
import { applyToSpace, emptySpace, spaceStateKey } from '../../src/sim/checkers/tuple-space-model.js';
import { client, freshService } from './histories.js';
import { noEffects } from '../support/effects.js';

const other = clientId('22'.repeat(32));
const fields: readonly PlainField[] = ['a', 'b', 1, 2, new Double(1), 1.5, true, Uint8Array.of(1), 1n << 60n];
const formals: readonly TemplateField[] = [any, ...Object.values(formal)];

function drawTemplateField(random: Prng): TemplateField {
  return random.chance(1, 2) ? random.pick(formals) : { kind: 'value', value: random.pick(fields) };
}

/** Too short, just long enough, or longer than any. */
const drawLease = (random: Prng): number => random.pick([1, 2_199, 2_200, 2_500, 4_000, 100_000_000]);

function drawOperation(random: Prng): Operation {
  const arity = random.between(1, 2);
  const tuple = Array.from({ length: arity }, () => random.pick(fields));
  const template = Array.from({ length: arity }, () => drawTemplateField(random));
  const space = 'default';
  const limit = random.below(4);
  const lease = random.chance(1, 2) ? null : drawLease(random);
  switch (random.below(9)) {
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
      return { kind: 'cas', space, template, tuple, lease };
    case 6:
      return { kind: 'replace', space, template, tuple, lease };
    case 7:
      return { kind: 'renew', space, template, lease: drawLease(random) };
    default:
      return { kind: 'out', space, tuple, lease };
  }
}

describe('naive tuple space', () => {
  it('answers like the service, operation by operation', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = prng(seed).stream('model');
      const service = freshService();
      let state = emptySpace;
      let time = 1_000_000;
      for (let step = 0; step < 150; step++) {
        const operation = drawOperation(random);
        time += random.pick([0, 1, 100, 1_000]);
        const who = random.pick([client, other]);
        const [next, result] = applyToSpace(state, { client: who, operation, time });
        state = next;
        const bytes = encodeOperation(operation);
        service.advanceTime(time, noEffects);
        const ordered = { client: who, operation: bytes, time };
        const answer = service.execute(ordered as Parameters<typeof service.execute>[0], noEffects);
        expect(toHex(answer!), `seed ${seed} step ${step} ${operation.kind}`).toBe(
          toHex(encodeResult(result)),
        );
      }
    }
  });

  it('tells states apart by their entries and by the next id', () => {
    const insert: Operation = { kind: 'out', space: 'default', tuple: ['a'], lease: null };
    const take: Operation = { kind: 'inp', space: 'default', template: [any] };
    const [one] = applyToSpace(emptySpace, { client, operation: insert, time: 1 });
    const [none] = applyToSpace(one, { client, operation: take, time: 1 });
    const keys = [emptySpace, one, none].map(spaceStateKey);
    expect(new Set(keys).size).toBe(3);
  });
});
