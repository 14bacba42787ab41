import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prng, replicaId, sessionId, toHex, viewNumber } from '../../../src/base/index.js';
import type { Prng, SessionId } from '../../../src/base/index.js';
import type { Outcome, ServerMessage } from '../../../src/codec/index.js';
import { bytes, FakeCluster, type Sent } from './fake-cluster.js';

/** What every correct replica answers: a function of the operation alone. */
const truth = (operation: Uint8Array): Uint8Array => bytes(...operation, 200);

interface Delivery {
  readonly atMs: number;
  readonly from: number;
  readonly message: ServerMessage;
}

/** Operations of three bytes wait, for so long. */
const waitMs = (operation: Uint8Array): number => (operation.length === 3 ? 10 * operation[2]! : 0);

/**
 * Correct replicas that answer what they were sent, late, in any order, twice or not at all, and liars that say
 * anything to anyone at any time. Every correct replica takes part in any session and number. Late outcomes are told
 * once, and not lost.
 */
class World {
  readonly cluster: FakeCluster;
  readonly #random: Prng;
  readonly #liars: ReadonlySet<number>;
  readonly #lossPercent: number;
  #network: Delivery[] = [];
  #seen = 0;
  readonly #late = new Set<ServerMessage>();
  /** When what waits is over, by session and number. */
  readonly #overAtMs = new Map<string, number>();
  readonly operations = new Map<number, Uint8Array>();

  constructor(seed: number, n: number) {
    this.cluster = FakeCluster.connected(n);
    this.#random = prng(seed);
    const ids = Array.from({ length: n }, (_, id) => id);
    const liars = new Set<number>();
    while (liars.size < this.cluster.f) liars.add(this.#random.pick(ids));
    this.#liars = liars;
    this.#lossPercent = this.#random.below(40);
  }

  run(): void {
    const { cluster } = this;
    for (let round = 0; round < 400; round++) {
      if (round < 100 && this.#random.chance(1, 3)) this.#call(round);
      this.#answer();
      if (round < 300) this.#lie();
      this.#deliver();
      cluster.advance(this.#random.below(60));
    }
    this.#network = this.#network.filter(({ message }) => this.#isLate(message));
    for (let round = 0; round < 200; round++) {
      this.#answer(true);
      this.#deliver(true);
      cluster.advance(200);
    }
  }

  #call(round: number): void {
    const kind = this.#random.pick(['read', 'ordered', 'waiting']);
    const mayWait = kind === 'waiting';
    const operation = bytes(round, this.#random.below(256), ...(mayWait ? [this.#random.below(256)] : []));
    const timeoutMs = this.#random.pick([200, 5_000, 600_000]);
    const call = this.cluster.callOnly(operation, { isFastRead: kind === 'read', mayWait, timeoutMs });
    this.operations.set(call, operation);
    if (this.#random.chance(2, 3)) this.cluster.flush();
    if (this.#random.chance(1, 20)) this.cluster.cancel(call);
  }

  /** Correct replicas answer what was sent since the last time. */
  #answer(isReliable = false): void {
    for (const sent of this.cluster.sent.slice(this.#seen)) {
      if (this.#liars.has(sent.to)) continue;
      // Whoever orders an envelope orders it everywhere: all correct replicas answer.
      const isSubmit = sent.message.kind === 'submit';
      const answering = isSubmit ? Array.from({ length: this.cluster.n }, (_, id) => id) : [sent.to];
      for (const from of answering.filter((id) => !this.#liars.has(id))) {
        const message = this.#honest(sent);
        if (message === null) continue;
        const copies = isReliable ? 1 : this.#random.pick([0, 1, 1, 1, 2]);
        for (let i = 0; i < copies; i++) {
          if (!isReliable && this.#random.chance(this.#lossPercent, 100)) continue;
          const delayMs = isReliable ? 0 : this.#random.below(400);
          this.#network.push({ atMs: this.cluster.nowMs + delayMs, from, message });
        }
      }
    }
    this.#seen = this.cluster.sent.length;
  }

  #honest({ message }: Sent): ServerMessage | null {
    const view = viewNumber(0);
    if (message.kind === 'read') {
      return { kind: 'readReply', readId: message.readId, result: truth(message.operation) };
    }
    if (message.kind !== 'submit') return null;
    const body = this.cluster.bodyOf(message);
    if (body.kind === 'open') {
      return { kind: 'opened', view, nonce: body.nonce, session: sessionId(body.nonce[0]! * 1_000) };
    }
    if (body.kind !== 'requests') return null;
    const outcomes = body.operations.map((operation, index): Outcome => {
      const isOver = this.#isOver(body.session, body.firstNumber + index, operation);
      return isOver ? { kind: 'result', result: truth(operation) } : { kind: 'waiting' };
    });
    return { kind: 'reply', view, session: body.session, firstNumber: body.firstNumber, outcomes };
  }

  /** Begins to wait when it is asked for the first time. */
  #isOver(session: SessionId, number: number, operation: Uint8Array): boolean {
    const { nowMs } = this.cluster;
    const key = `${session}#${number}`;
    const known = this.#overAtMs.get(key);
    if (known !== undefined || waitMs(operation) === 0) return nowMs >= (known ?? 0);
    const overAtMs = nowMs + waitMs(operation);
    this.#overAtMs.set(key, overAtMs);
    const outcomes: Outcome[] = [{ kind: 'result', result: truth(operation) }];
    for (let from = 0; from < this.cluster.n; from++) {
      if (this.#liars.has(from)) continue;
      const view = viewNumber(0);
      const message: ServerMessage = { kind: 'reply', view, session, firstNumber: number, outcomes };
      this.#late.add(message);
      this.#network.push({ atMs: overAtMs + this.#random.below(400), from, message });
    }
    return false;
  }

  #isLate(message: ServerMessage): boolean {
    return this.#late.has(message);
  }

  #lie(): void {
    const { cluster } = this;
    for (const from of this.#liars) {
      const sent = cluster.sent.length === 0 ? null : this.#random.pick(cluster.sent.slice(-20));
      const honest = sent === null ? null : this.#honest(sent);
      this.#network.push({ atMs: cluster.nowMs, from, message: this.#twist(honest) });
    }
  }

  #twist(honest: ServerMessage | null): ServerMessage {
    const wrong = bytes(this.#random.below(3));
    const view = viewNumber(this.#random.below(1_000));
    switch (honest?.kind) {
      case 'opened':
        return { ...honest, view, session: sessionId(this.#random.below(3)) };
      case 'readReply':
        return { ...honest, result: this.#random.chance(1, 4) ? null : wrong };
      case 'reply': {
        const outcomes = honest.outcomes.map((outcome): Outcome => {
          const dice = this.#random.below(5);
          if (dice === 0) return outcome;
          if (dice === 4) return { kind: 'waiting' };
          return dice === 1
            ? { kind: 'refused', code: 'SESSION_EXPIRED' }
            : { kind: 'result', result: wrong };
        });
        return { ...honest, view, firstNumber: honest.firstNumber + this.#random.below(2), outcomes };
      }
      default:
        return { kind: 'notice', code: 'LIE' };
    }
  }

  #deliver(isAll = false): void {
    const due = this.#network.filter(({ atMs }) => isAll || atMs <= this.cluster.nowMs);
    this.#network = this.#network.filter((delivery) => !due.includes(delivery));
    while (due.length > 0) {
      const [{ from, message }] = due.splice(this.#random.below(due.length), 1) as [Delivery];
      this.cluster.receive(replicaId(from), message);
    }
  }
}

describe('with f liars that say anything', () => {
  it.each([4, 7, 10])(
    'n = %i: no result differs from the one of the correct replicas, and all calls end',
    (n) => {
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const world = new World(seed, n);
          world.run();
          const { outcomes } = world.cluster;
          expect(world.operations.size).toBeGreaterThan(0);
          for (const [call, operation] of world.operations) {
            const outcome = outcomes.get(call);
            expect(outcome, `call ${call} does not end`).toBeDefined();
            expect(outcome!.kind).not.toBe('refused');
            if (outcome!.kind !== 'result') continue;
            expect(toHex((outcome as Outcome & { kind: 'result' }).result)).toBe(toHex(truth(operation)));
          }
          expect([...outcomes.values()].some(({ kind }) => kind === 'result')).toBe(true);
          const sizes = { calls: 0, queued: 0, fastReads: 0, heldBytes: 0, waiting: 0 };
          expect(world.cluster.core.sizes).toMatchObject(sizes);
          expect(world.cluster.heard).not.toEqual([]);
          for (const output of world.cluster.heard) {
            expect(output.kind).toBe('waiting');
            if (output.kind === 'waiting')
              expect(waitMs(world.operations.get(output.callId)!)).toBeGreaterThan(0);
          }
        }),
        { numRuns: 30, seed: 1 },
      );
    },
  );

  it('f+1 liars do deceive: the check above bites', () => {
    const cluster = FakeCluster.withSession();
    const call = cluster.call(bytes(1));
    for (const liar of [2, 3]) cluster.reply(liar, 7, 2, [{ kind: 'result', result: bytes(66) }]);
    expect(cluster.outcomes.get(call)).not.toEqual({ kind: 'result', result: truth(bytes(1)) });
  });
});
