/** Giving a state to the admin: throttled, held while it is asked for, bounded. */
import { expect, it } from 'vitest';
import { sequenceNumber } from '../../../src/base/index.js';
import type { SnapshotNodes, StateNodeAt } from '../../../src/codec/index.js';
import { sha256 } from '../../../src/crypto/index.js';
import type { StateToSave } from '../../../src/ordering/index.js';
import { SnapshotDonor } from '../../../src/replica/snapshot-donor.js';
import { keyedCluster, signedState } from '../../support/snapshots.js';

const keyed = keyedCluster();
const pageBytes = 512 << 10;
const pageCount = 200;
const pages = Object.fromEntries(
  Array.from({ length: pageCount }, (_, i) => [i, new Uint8Array(pageBytes).fill(i)]),
);
const stateAt = (number: number): StateToSave => signedState(keyed, number, [{}, pages]);
const first = stateAt(128);

class Bench {
  nowMs = 1_000;
  executed = 0;
  stable: StateToSave | null = first;
  readonly answers: SnapshotNodes[] = [];
  #tasks: { readonly atMs: number; readonly task: () => void }[] = [];
  readonly donor = new SnapshotDonor({
    hash: sha256,
    nowMs: () => this.nowMs,
    executed: () => this.executed,
    stableState: () => this.stable,
    later: (task, delayMs) => this.#tasks.push({ atMs: this.nowMs + delayMs, task }),
  });

  ask(number: number, ...nodes: readonly StateNodeAt[]): void {
    const request = {
      kind: 'fetchSnapshot',
      requestId: 7,
      sequenceNumber: sequenceNumber(number),
      nodes,
    } as const;
    this.donor.take(request, (answer) => this.answers.push(answer));
  }

  passMs(ms: number, isBusy = false): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 1;
      if (isBusy) this.executed += 1;
      const due = this.#tasks.filter(({ atMs }) => atMs <= this.nowMs);
      this.#tasks = this.#tasks.filter(({ atMs }) => atMs > this.nowMs);
      for (const { task } of due) task();
    }
  }

  get scheduled(): number {
    return this.#tasks.length;
  }

  get givenBytes(): number {
    return this.answers.flatMap(({ parts }) => parts).reduce((sum, { data }) => sum + data.length, 0);
  }
}

const roots = { level: 'roots', section: 0, number: 0, offset: 0 } as const;
const page = (number: number): StateNodeAt => ({ level: 'page', section: 1, number, offset: 0 });

it.each([
  ['idle', false, 24 << 20],
  ['busy', true, 6 << 20],
])('%s, it gives no more than its share', (_, isBusy, bytesPerSecond) => {
  const bench = new Bench();
  bench.ask(0, roots);
  bench.passMs(200, isBusy);
  const before = bench.givenBytes;
  for (let i = 0; i < 60; i++) bench.ask(128, page(i));
  bench.passMs(1_000, isBusy);
  const given = bench.givenBytes - before;
  expect(given).toBeLessThanOrEqual(1.2 * bytesPerSecond + pageBytes);
  expect(given).toBeGreaterThan(0.8 * bytesPerSecond);
});

it('answers with as much as a message takes, and from the middle of a node', () => {
  const bench = new Bench();
  bench.ask(128, { ...page(3), offset: 10 }, page(4), page(5));
  expect(bench.answers).toMatchObject([{ requestId: 7, certificate: first.certificate }]);
  expect(bench.answers[0]!.parts).toMatchObject([{ number: 3, offset: 10, totalBytes: pageBytes }]);
  expect(bench.answers[0]!.parts[0]!.data.length).toBe(pageBytes - 10);
});

it('holds a state while it is asked for, and lets go of it then', () => {
  const bench = new Bench();
  bench.ask(0, roots);
  bench.stable = stateAt(256);
  for (let i = 0; i < 10; i++) {
    bench.passMs(3_000);
    bench.ask(128, roots);
  }
  expect(bench.answers.every(({ certificate }) => certificate.sequenceNumber === 128)).toBe(true);
  bench.passMs(12_000);
  expect([bench.donor.heldCount, bench.scheduled]).toEqual([0, 0]);
  bench.ask(128, roots);
  expect(bench.answers.at(-1)).toMatchObject({ certificate: bench.stable.certificate, parts: [] });
});

it('holds two states at most, and drops requests beyond a bound', () => {
  const bench = new Bench();
  for (const number of [128, 256, 384, 512]) {
    bench.stable = stateAt(number);
    bench.passMs(1);
    bench.ask(0, roots);
  }
  expect(bench.donor.heldCount).toBe(2);
  for (let i = 0; i < 1_000; i++) bench.ask(512, page(0));
  bench.passMs(20_000);
  expect(bench.answers.length).toBeLessThan(100);
});

it('says nothing without a state, or about one that nobody has yet', () => {
  const bench = new Bench();
  bench.ask(256, roots);
  bench.stable = null;
  bench.ask(0, roots);
  bench.ask(128, page(1));
  bench.passMs(100);
  expect(bench.answers).toEqual([]);
});
