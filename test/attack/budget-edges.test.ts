/**
 * Policies whose lookups cost about what they may: whether they stay within their budget depends on what the index holds,
 * which must be the same in a replica that executed everything, in one that was restored from pages and in one that
 * answers queries meanwhile (pitfalls 27 and 28).
 */
import { describe, expect, it } from 'vitest';
import { clientId, prng, sessionId, type Prng } from '../../src/base/index.js';
import { any, decodeResult, encodeOperation, formal } from '../../src/codec/index.js';
import type { Operation, Quota, Template, TemplateField, Tuple } from '../../src/codec/index.js';
import { ruleNames } from '../../src/policy/index.js';
import { createService, type Service } from '../../src/service/index.js';
import { NotedEffects } from '../support/effects.js';
import { moduleOf, sha256 } from '../support/policies.js';

const space = 'edge';
const admin = clientId('aa'.repeat(32));
const clients = [{ name: 'admin', publicKey: admin }];
const numbers = Array.from({ length: 30 }, (_, index) => index).join(', ');

const looks = [
  'any, any',
  '"k0", any',
  '"k1", formal.int',
  '"k0", 3',
  'any, 2',
  'any, any, any',
  'formal.string, 1',
];
const lookups = (look: string): readonly string[] => [
  `space.count(template(${look})) >= 0`,
  `space.exists(template(${look})) !== null`,
  `space.rdp(template(${look})) !== 1`,
  `space.rdAll(template(${look})).every(({ id }) => id > 0)`,
];

/** Every rule holds, if it comes to its end. */
function costly(random: Prng): string {
  const some = (): string => `[${numbers}].slice(${random.between(0, 22)})`;
  const rules = ruleNames.map((name) => {
    const lookup = random.pick(lookups(random.pick(looks)));
    return `${name}: ({ space }) => ${some()}.every(() => ${some()}.every(() => ${lookup}))`;
  });
  return moduleOf(rules.join(',\n  '));
}

function drawn(random: Prng): Operation {
  const key = random.pick(['k0', 'k1', 'k2']);
  const tuple: Tuple = [key, random.below(5), ...(random.chance(1, 3) ? [random.below(3)] : [])];
  const first: TemplateField = random.chance(1, 3) ? any : { kind: 'value', value: key };
  const template: Template = [first, random.pick([any, formal.int])];
  const lease = random.chance(1, 3) ? 3_000 : null;
  return random.pick<Operation>([
    { kind: 'out', space, tuple, lease },
    { kind: 'out', space, tuple, lease },
    { kind: 'cas', space, template, tuple, lease },
    { kind: 'replace', space, template, tuple, lease },
    { kind: 'renew', space, template, lease: 4_000 },
    { kind: 'rdp', space, template },
    { kind: 'inp', space, template },
    { kind: 'inAll', space, template, limit: 2 },
    { kind: 'count', space, template },
    { kind: 'in', space, template, timeout: 500 },
    { kind: 'subscribe', space, template, from: null },
  ]);
}

const unbounded: Quota = { entries: null, bytes: null, waits: null };
const lists = {
  insert: null,
  readers: null,
  takers: null,
  confidential: null,
  quota: unbounded,
  clientQuota: unbounded,
};

class Replica {
  #service: Service = createService({ hash: sha256, clients });
  readonly effects = new NotedEffects();

  execute(operation: Operation, number: number, time: number): Uint8Array | null {
    const ordered = { client: admin, session: sessionId(1), number, time, mayWait: true, isVerified: true };
    this.#service.advanceTime(time, this.effects);
    return this.#service.execute({ ...ordered, operation: encodeOperation(operation) }, this.effects);
  }

  query(operation: Operation, time: number): void {
    this.#service.query(admin, encodeOperation(operation), time);
  }

  restore(): void {
    const { pages } = this.#service.checkpoint();
    this.#service = createService({ hash: sha256, clients });
    this.#service.restore(pages);
  }

  get state(): unknown {
    const { resolved, notified } = this.effects;
    return { root: this.#service.checkpoint().root, due: this.#service.nextDeadline(), resolved, notified };
  }
}

describe('policies about as costly as they may be (pitfalls 27 and 28)', () => {
  it.each([1, 2, 3, 4, 5, 6])('cost every replica the same (seed %i)', (seed) => {
    const random = prng(seed).stream('budget edges');
    const [steady, restored, asked] = [new Replica(), new Replica(), new Replica()];
    const codes = { POLICY_BUDGET: 0, allowed: 0 };
    let time = 1_790_000_000_000;
    for (let number = 1; number <= 400; number++) {
      time += random.pick([0, 1, 40, 400]);
      const policy = number % 40 === 1 ? costly(random) : null;
      const creation: Operation = { kind: 'spaceCreate', space, config: { ...lists, policy } };
      const change: Operation = number === 1 ? creation : { kind: 'spaceSetPolicy', space, policy };
      const operation = policy === null ? drawn(random) : change;
      if (random.chance(1, 20)) restored.restore();
      asked.query(drawn(random), time);
      const [bytes, ...others] = [steady, restored, asked].map((one) => one.execute(operation, number, time));
      expect(others).toEqual([bytes, bytes]);
      const result = bytes === null || bytes === undefined ? null : decodeResult(bytes);
      if (result?.kind !== 'refused') codes.allowed++;
      else if (result.code === 'POLICY_BUDGET') codes.POLICY_BUDGET++;
      if (number % 50 === 0) expect([restored.state, asked.state]).toEqual([steady.state, steady.state]);
    }
    expect(Math.min(codes.POLICY_BUDGET, codes.allowed)).toBeGreaterThan(40);
  });
});
