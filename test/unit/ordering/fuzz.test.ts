/**
 * Random runs with loss, delay and duplication, and either a replica that says anything it likes or replicas
 * that lose their memory. No assertion may fail, no two replicas may execute different batches, and when the
 * faults stop everybody gets to the same point.
 */
import { expect, test } from 'vitest';
import { prng, sessionId, type Prng, type SessionId } from '../../../src/base/index.js';
import { decodePeerMessage, encodePeerMessage, type PeerMessage } from '../../../src/codec/index.js';
import { Liar } from '../../support/liar.js';
import { addEnvelope, alice, bob, Lockstep, openEnvelope, type InFlight } from '../../support/lockstep.js';
import { rejoinEnvelope } from '../../support/messages.js';

const config = { checkpointInterval: 8, watermarkWindow: 16, batchOperationsMax: 4, windowBatches: 4 };
const n = 4;
const steps = 120;

class Run {
  readonly cluster = new Lockstep(n, config);
  readonly #random: Prng;
  readonly #liar: Liar | null;
  /** Something of everything that was sent, for the liar to repeat. */
  readonly #heard: PeerMessage[] = [];
  #delayed: (InFlight & { readonly at: number })[] = [];
  #isFaulty = true;
  #session: SessionId = sessionId(0);
  #next = 1;
  #victim: { readonly id: number; readonly until: number } | null = null;

  constructor(seed: number, hasLiar: boolean) {
    this.#random = prng(seed);
    this.#liar = hasLiar ? new Liar(n - 1, n, config.watermarkWindow, this.#random.stream('liar')) : null;
    const [loss, delay] = [this.#random.below(30), this.#random.below(30)];
    this.cluster.filter = (inFlight) => this.#pass(inFlight, loss, delay);
  }

  get correct(): number[] {
    return this.cluster.nodes.map(({ id }) => id as number).filter((id) => id !== this.#liar?.id);
  }

  #pass(inFlight: InFlight, loss: number, delay: number): PeerMessage | null {
    const { from, message } = inFlight;
    if (!this.#isFaulty) return from === this.#liar?.id ? null : message;
    this.#hear(message);
    if (this.#random.below(100) < loss) return null;
    if (this.#random.below(100) < delay) {
      this.#delayed.push({ ...inFlight, at: this.cluster.nowMs + this.#random.below(1500) });
      return null;
    }
    return from === this.#liar?.id && this.#random.chance(1, 3) ? this.#lie(message) : message;
  }

  #hear(message: PeerMessage): void {
    this.#liar?.hear(message);
    if (this.#heard.length < 3000) this.#heard.push(message);
    else this.#heard[this.#random.below(3000)] = message;
  }

  #lie(message: PeerMessage): PeerMessage | null {
    const lie = this.#liar!.distort(message, this.cluster.nowMs);
    return decodePeerMessage(encodePeerMessage(lie)) === null ? null : lie;
  }

  play(): void {
    for (let step = 0; step < steps; step++) {
      this.cluster.tick(this.#random.pick([10, 10, 50, 200]));
      this.#deliverDelayed();
      if (this.#liar === null) this.#crash(step);
      else this.#tellLies(this.#liar, step);
      this.#work();
    }
    this.#isFaulty = false;
    if (this.#victim !== null) this.cluster.restart(this.#victim.id);
    for (let round = 0; round < 60 && !this.#isConverged(round); round++) {
      for (let number = 1; number < this.#next; number++) this.cluster.submit(this.#add(number));
      this.cluster.tick(500);
    }
  }

  #deliverDelayed(): void {
    const due = this.#delayed.filter(({ at }) => at <= this.cluster.nowMs);
    this.#delayed = this.#delayed.filter(({ at }) => at > this.cluster.nowMs);
    for (const { from, to, message } of due) this.cluster.post(from, to, message);
    this.cluster.settle();
  }

  #tellLies(liar: Liar, step: number): void {
    for (let count = 0; count < 3 && this.#heard.length > 0; count++) {
      const lie = this.#lie(this.#random.pick(this.#heard));
      if (lie !== null) this.cluster.post(liar.id, this.#random.below(n - 1), lie);
    }
    const envelope = rejoinEnvelope(liar.id, step + 1).bytes;
    if (this.#random.chance(1, 30))
      for (const id of this.correct) this.cluster.post(liar.id, id, { kind: 'forward', envelope });
    this.cluster.settle();
  }

  /** One at a time, and the next only when the last one votes again. */
  #crash(step: number): void {
    if (this.#victim !== null && step >= this.#victim.until) {
      this.cluster.restart(this.#victim.id);
      this.#victim = null;
    } else if (this.#victim === null && this.#random.chance(1, 15)) {
      if (this.cluster.nodes.some(({ replica }) => replica.status().isObserver)) return;
      this.#victim = { id: this.#random.below(n), until: step + this.#random.below(20) };
      this.cluster.node(this.#victim.id).isDown = true;
    }
  }

  #add = (number: number) => addEnvelope(alice, this.#session, number, [1], Math.max(1, number - 20));

  #work(): void {
    if (this.#session === 0) {
      this.cluster.submit(openEnvelope(alice));
      const opened = this.correct.flatMap((id) => this.cluster.outputs(id, 'opened'));
      this.#session = opened.find(({ client }) => client === alice)?.session ?? sessionId(0);
    } else if (this.#random.chance(2, 3)) {
      this.cluster.submit(
        this.#add(this.#next++),
        this.#random.chance(1, 2) ? [0, 1, 2, 3] : [this.#random.below(n)],
      );
    }
  }

  #isConverged(round: number): boolean {
    const statuses = this.statuses();
    if (round < 3 || !statuses.every(({ isSettled }) => isSettled)) return false;
    return new Set(statuses.map(({ executed }) => executed)).size === 1;
  }

  statuses() {
    return this.correct.map((id) => {
      const { executed, isObserver, pending } = this.cluster.node(id).replica.status();
      return { executed, isSettled: !isObserver && pending === 0 };
    });
  }

  /** Digests executed at each number by anybody who is correct. */
  executed(): Map<number, Set<string>> {
    const executed = new Map<number, Set<string>>();
    for (const id of this.correct) {
      for (const { sequenceNumber, digest } of this.cluster.outputs(id, 'deliver'))
        executed.set(sequenceNumber, (executed.get(sequenceNumber) ?? new Set()).add(digest));
    }
    return executed;
  }
}

test.each(
  [1, 2, 3, 4, 5, 6, 7, 8].flatMap((seed) => [[seed, 'a liar'] as const, [seed, 'crashes'] as const]),
)('seed %i with %s: agreement, and everybody comes along in the end', (seed, fault) => {
  const run = new Run(seed, fault === 'a liar');
  run.play();
  const different = [...run.executed()].filter(([, digests]) => digests.size > 1);
  expect(different).toEqual([]);
  expect(run.correct.flatMap((id) => run.cluster.outputs(id, 'halt'))).toEqual([]);
  const [first, ...others] = run.statuses();
  expect(first).toMatchObject({ isSettled: true });
  for (const other of others) expect(other).toEqual(first);
  run.cluster.submit(openEnvelope(bob, 99));
  run.cluster.tick(3000);
  for (const id of run.correct)
    expect(run.cluster.outputs(id, 'opened').at(-1)).toMatchObject({ client: bob });
});
