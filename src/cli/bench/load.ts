/**
 * The load: workers in a closed loop, each with one operation under way, over one or more client
 * identities. A failed operation is counted by its code and the worker goes on; a wrong answer ends the
 * run. Runs in a process of its own (load-process.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import { connect } from '../../client/index.js';
import type { Client, Space } from '../../client/index.js';
import { LongestGap } from './gaps.js';
import { Latencies } from './latencies.js';
import type { LoadPlan, LoadResult } from './messages.js';
import { operate, prepare, scenarios } from './scenarios.js';
import type { OperationName } from './scenarios.js';

/** More failures than this say that the service is down, not that it is loaded. */
const errorsMax = 10_000;

export interface LoadObserver {
  onConnected(): void;
  /** The warm-up is over; `primary` is that of the highest view a replica reports. */
  onMeasuring(primary: number): void;
  /** Resolves when the primary was killed; never, if it is not going to be. */
  readonly killed: Promise<void>;
}

class Measurement {
  readonly #latencies = new Map<OperationName, Latencies>();
  readonly #errors = new Map<string, number>();
  readonly #acknowledged = new Map<OperationName, number>();
  readonly #gap: LongestGap;
  readonly startMs: number;
  readonly endMs: number;
  #errorCount = 0;

  constructor(plan: LoadPlan, nowMs: number) {
    this.startMs = nowMs + plan.warmUpMs;
    this.endMs = this.startMs + plan.measureMs;
    this.#gap = new LongestGap(this.startMs);
  }

  completed(operation: OperationName, beganMs: number, nowMs: number): void {
    this.#acknowledged.set(operation, (this.#acknowledged.get(operation) ?? 0) + 1);
    if (nowMs < this.startMs || nowMs > this.endMs) return;
    let latencies = this.#latencies.get(operation);
    if (latencies === undefined) this.#latencies.set(operation, (latencies = new Latencies()));
    latencies.add(nowMs - beganMs);
    this.#gap.mark(nowMs);
  }

  failed(error: unknown): void {
    if (!(error instanceof TheodoraError)) throw error;
    this.#errorCount += 1;
    if (this.#errorCount > errorsMax) throw error;
    this.#errors.set(error.code, (this.#errors.get(error.code) ?? 0) + 1);
  }

  result(lateGapMs: number | null): LoadResult {
    this.#gap.mark(this.endMs);
    return {
      elapsedMs: this.endMs - this.startMs,
      latencies: Object.fromEntries([...this.#latencies].map(([name, value]) => [name, value.toRecord()])),
      acknowledged: Object.fromEntries(this.#acknowledged),
      longestGapMs: this.#gap.longestMs,
      lateGapMs,
      errors: Object.fromEntries(this.#errors),
    };
  }
}

async function work(space: Space, plan: LoadPlan, worker: number, measurement: Measurement): Promise<void> {
  const { choose } = scenarios[plan.scenario];
  for (let iteration = 0; ; iteration++) {
    const beganMs = performance.now();
    if (beganMs >= measurement.endMs) return;
    const operation = choose(worker, iteration);
    try {
      await operate(space, operation, worker, iteration);
      measurement.completed(operation, beganMs, performance.now());
    } catch (error) {
      measurement.failed(error);
    }
  }
}

/** A client that knows nothing of the time before the kill: its longest wait, connecting included. */
async function workLate(plan: LoadPlan, identity: string, measurement: Measurement): Promise<number> {
  const gap = new LongestGap(performance.now());
  const worker = plan.concurrency;
  let client: Client | null = null;
  for (let iteration = 0; performance.now() < measurement.endMs; iteration++) {
    try {
      client ??= await connectAs(plan, identity);
      await operate(client.space('default'), 'out', worker, iteration);
      gap.mark(performance.now());
    } catch (error) {
      measurement.failed(error);
    }
  }
  gap.mark(measurement.endMs);
  await client?.close();
  return gap.longestMs;
}

function connectAs(plan: LoadPlan, identity: string): Promise<Client> {
  return connect({ cluster: plan.clusterFile, identity, timeoutMs: plan.timeoutMs });
}

async function findPrimary(client: Client): Promise<number> {
  let latest = { view: -1, primary: 0 };
  for (const replica of await client.status()) {
    if (replica.reachable && replica.view > latest.view) latest = replica;
  }
  return latest.primary;
}

export async function runLoad(plan: LoadPlan, observer: LoadObserver): Promise<LoadResult> {
  const clients = await Promise.all(plan.identities.map((identity) => connectAs(plan, identity)));
  const spaces = clients.map((client) => client.space('default'));
  if (scenarios[plan.scenario].isReading) await prepare(spaces[0]!);
  observer.onConnected();

  const measurement = new Measurement(plan, performance.now());
  const warmUp = sleep(plan.warmUpMs)
    .then(() => findPrimary(clients[0]!))
    .then((primary) => observer.onMeasuring(primary));
  const late =
    plan.lateIdentity === null
      ? Promise.resolve(null)
      : observer.killed.then(() => workLate(plan, plan.lateIdentity!, measurement));
  const workers = Array.from({ length: plan.concurrency }, (_, worker) =>
    work(spaces[worker % spaces.length]!, plan, worker, measurement),
  );
  try {
    await Promise.all([warmUp, ...workers]);
    return measurement.result(await late);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
