/** The pool: fair between clients, bounded, and nothing lost (Aardvark, NSDI'09, section 4.1). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientId, replicaId, sessionId } from '../../../src/base/index.js';
import type { Envelope } from '../../../src/codec/index.js';
import { defaultOrderingConfig, type OrderingConfig } from '../../../src/ordering/index.js';
import {
  addPending,
  createPool,
  envelopeKey,
  findPending,
  markProposed,
  noteClientServed,
  owedSince,
  poolSize,
  removePending,
  resetProposed,
  takeForBatch,
  type Pool,
} from '../../../src/ordering/pool.js';
import { hasRoom, makeRoom } from '../../../src/ordering/pool-room.js';
import { requestsEnvelope } from '../../support/lockstep.js';

const config: OrderingConfig = { ...defaultOrderingConfig, id: replicaId(0), n: 4 };
const clientOf = (index: number) => clientId(index.toString(16).padStart(2, '0').repeat(32));
const envelopeOf = (client: number, number: number, operations = 1, bytes = 1): Envelope =>
  requestsEnvelope(
    clientOf(client),
    sessionId(1),
    number,
    Array.from({ length: operations }, () => new Uint8Array(bytes)),
  );

function add(pool: Pool, envelope: Envelope, nowMs = 0, limits = config): boolean {
  if (!hasRoom(pool, envelope, limits) || !makeRoom(pool, envelope, limits)) return false;
  addPending(pool, envelopeKey(envelope), envelope, nowMs);
  return true;
}

const numbersOf = (envelopes: readonly Envelope[]): string[] =>
  envelopes.map(({ body }) =>
    body.kind === 'requests' ? `${parseInt(body.client.slice(0, 2), 16)}:${body.firstNumber}` : body.kind,
  );

describe('batches are fair between clients', () => {
  test.each([1, 64, 512])('who floods with %i operations each makes only himself wait', (operations) => {
    const pool = createPool();
    for (let number = 1; number <= 1_024; number++) add(pool, envelopeOf(1, number, operations));
    expect(add(pool, envelopeOf(1, 9_999))).toBe(false);
    takeForBatch(pool, config);
    add(pool, envelopeOf(2, 1));
    expect(numbersOf(takeForBatch(pool, config))).toContain('2:1');
  });

  test('in order of arrival within a client', () => {
    const pool = createPool();
    for (const number of [1, 2, 3]) for (const client of [1, 2]) add(pool, envelopeOf(client, number));
    expect(numbersOf(takeForBatch(pool, config))).toEqual(['1:1', '1:2', '1:3', '2:1', '2:2', '2:3']);
  });

  test('by operations and bytes, not by envelopes', () => {
    const pool = createPool();
    for (let number = 1; number <= 100; number++) add(pool, envelopeOf(1, number, 64));
    for (let number = 1; number <= 100; number++) add(pool, envelopeOf(2, number, 1, 128 << 10));
    for (let number = 1; number <= 1_000; number++) add(pool, envelopeOf(3, number));
    const shares = [0, 0, 0, 0];
    for (let batch = 0; batch < 4; batch++)
      for (const { body } of takeForBatch(pool, config))
        if (body.kind === 'requests')
          shares[parseInt(body.client.slice(0, 2), 16)]! += body.operations.length;
    expect(shares[1]).toBeGreaterThan(600);
    expect(shares[3]).toBeGreaterThan(600);
    expect(shares[2]).toBeGreaterThanOrEqual(9);
  });
});

describe('room for everybody', () => {
  const small = {
    ...config,
    pendingEnvelopesMax: 64,
    pendingEnvelopesPerClientMax: 32,
    pendingBytesMax: 1 << 20,
  };

  test('the largest share gives way to a newcomer, newest first', () => {
    const pool = createPool();
    for (let number = 1; number <= 32; number++)
      for (const client of [1, 2]) add(pool, envelopeOf(client, number), 0, small);
    expect(poolSize(pool)).toBe(64);
    expect(add(pool, envelopeOf(3, 1), 0, small)).toBe(true);
    expect(poolSize(pool)).toBe(64);
    expect(findPending(pool, envelopeKey(envelopeOf(1, 32)))).toBeUndefined();
    expect(findPending(pool, envelopeKey(envelopeOf(1, 31)))).toBeDefined();
  });

  test('of bytes too', () => {
    const pool = createPool();
    const limits = { ...small, pendingBytesPerClientMax: 1 << 20 };
    for (let number = 1; number <= 9; number++) add(pool, envelopeOf(1, number, 1, 128 << 10), 0, limits);
    expect(pool.bytes).toBeGreaterThanOrEqual(1 << 20);
    expect(add(pool, envelopeOf(2, 1, 1, 300 << 10), 0, limits)).toBe(true);
    expect(pool.queues.get(clientOf(1))!.count).toBeLessThan(8);
  });

  test('nobody gives way to one who has as much', () => {
    const pool = createPool();
    for (let client = 0; client < 64; client++) add(pool, envelopeOf(client, 1), 0, small);
    expect(add(pool, envelopeOf(64, 1), 0, small)).toBe(false);
    expect(poolSize(pool)).toBe(64);
  });
});

describe('what the primary owes', () => {
  test('dates from the arrival of what waits longest', () => {
    const pool = createPool();
    expect(owedSince(pool, 700)).toBe(Infinity);
    add(pool, envelopeOf(1, 1), 100);
    add(pool, envelopeOf(2, 1), 200);
    expect(owedSince(pool, 700)).toBe(100);
    removePending(pool, envelopeKey(envelopeOf(1, 1)));
    expect(owedSince(pool, 700)).toBe(200);
  });

  test('to one who sends more than his share, from when he was last served; but not for ever', () => {
    const pool = createPool();
    for (let number = 1; number <= 100; number++) add(pool, envelopeOf(1, number), 100);
    add(pool, envelopeOf(2, 1), 200);
    removePending(pool, envelopeKey(envelopeOf(1, 1)));
    noteClientServed(pool, clientOf(1), 300);
    expect(owedSince(pool, 700)).toBe(200);
    removePending(pool, envelopeKey(envelopeOf(2, 1)));
    for (let nowMs = 400; nowMs <= 9_000; nowMs += 100) noteClientServed(pool, clientOf(1), nowMs);
    expect(owedSince(pool, 700)).toBe(100 + 7 * 700);
  });
});

test('a new view begins with each client in order of arrival, those that came first before others', () => {
  const pool = createPool();
  for (const [client, number] of [
    [2, 1],
    [1, 1],
    [2, 2],
    [1, 2],
  ] as const)
    add(pool, envelopeOf(client, number));
  markProposed(pool, envelopeKey(envelopeOf(2, 2)));
  takeForBatch(pool, { ...config, batchOperationsMax: 1 });
  resetProposed(pool);
  expect(numbersOf(takeForBatch(pool, config))).toEqual(['2:1', '2:2', '1:1', '1:2']);
});

interface NamedStep {
  readonly kind: 'add' | 'remove' | 'propose';
  readonly client: number;
  readonly number: number;
}
type Step = NamedStep | { readonly kind: 'take' } | { readonly kind: 'reset' };

test('is bounded, loses nothing and its sums are right', () => {
  const limits = {
    ...config,
    pendingEnvelopesMax: 12,
    pendingEnvelopesPerClientMax: 8,
    batchOperationsMax: 5,
  };
  const name = { client: fc.integer({ min: 0, max: 3 }), number: fc.integer({ min: 1, max: 9 }) };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), ...name }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'propose' as const), ...name }),
    },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'take' }, { kind: 'reset' }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const pool = createPool();
      for (const each of steps) {
        perform(pool, each, limits);
        check(pool, limits);
      }
      resetProposed(pool);
      const left = [...pool.all.keys()];
      const taken: string[] = [];
      for (let batch = takeForBatch(pool, limits); batch.length > 0; batch = takeForBatch(pool, limits))
        taken.push(...batch.map(envelopeKey));
      expect(taken.sort()).toEqual(left.sort());
    }),
    { numRuns: 300 },
  );
});

function perform(pool: Pool, step: Step, limits: OrderingConfig): void {
  switch (step.kind) {
    case 'take':
      takeForBatch(pool, limits);
      return;
    case 'reset':
      resetProposed(pool);
      return;
    default: {
      const envelope = envelopeOf(step.client, step.number, step.number);
      const key = envelopeKey(envelope);
      if (step.kind === 'remove') removePending(pool, key);
      else if (step.kind === 'propose') markProposed(pool, key);
      else if (findPending(pool, key) === undefined) {
        const isFirst = !pool.queues.has(clientOf(step.client));
        expect(add(pool, envelope, 0, limits) || !isFirst).toBe(true);
      }
    }
  }
}

function check(pool: Pool, limits: OrderingConfig): void {
  const all = [...pool.all.values()];
  const waiting = all.filter(({ isProposed }) => !isProposed);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  expect(poolSize(pool)).toBeLessThanOrEqual(limits.pendingEnvelopesMax);
  expect(pool.waitingCount).toBe(waiting.length);
  expect(pool.waitingOperations).toBe(sum(waiting.map(({ operationCount }) => operationCount)));
  expect(pool.waitingBytes).toBe(sum(waiting.map(({ envelope }) => envelope.bytes.length)));
  expect(pool.bytes).toBe(sum(all.map(({ envelope }) => envelope.bytes.length)));
  const queues = [...pool.queues.values()];
  expect(sum(queues.map(({ count }) => count))).toBe(all.length);
  expect(queues.flatMap((queue) => [...queue.waiting.keys()]).sort()).toEqual(
    waiting.map(({ key }) => key).sort(),
  );
  expect(new Set(pool.turns.values())).toEqual(new Set(queues.filter((queue) => queue.waiting.size > 0)));
}
