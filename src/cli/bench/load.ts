/**
 * The load. In a closed loop each worker has one operation under way; in an open loop operations begin by the clock
 * (schedule.ts). A failed operation is counted by its code; a wrong answer ends the run. Runs in a process of its own
 * (load-process.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TheodoraError } from '../../base/index.js';
import { LongestGap } from './gaps.js';
import { loads } from './loads.js';
import { Measurement } from './measurement.js';
import type { LoadPlan, LoadResult } from './messages.js';
import { Schedule } from './schedule.js';
import { connectTarget, type LoadTarget } from './target.js';

/** Of an open loop: more than these without an answer, and the service does not keep up. */
const underWayMax = 100_000;
const tickMs = 1;

export interface LoadObserver {
  /** The warm-up is over; `primary` is that of the highest view a replica reports. */
  onMeasuring(primary: number): void;
  /** Resolves when the primary was killed; never, if it is not going to be. */
  readonly killed: Promise<void>;
}

async function operate(
  target: LoadTarget,
  plan: LoadPlan,
  measurement: Measurement,
  [worker, iteration]: readonly [number, number],
  beganMs: number,
): Promise<void> {
  const operation = loads[plan.load].choose(iteration, worker);
  try {
    await target.operate(operation, plan.firstWorker + worker, iteration);
    measurement.completed(operation, beganMs, performance.now());
  } catch (error) {
    measurement.failures.add(error);
  }
}

async function runClosedLoop(target: LoadTarget, plan: LoadPlan, measurement: Measurement): Promise<void> {
  const work = async (worker: number): Promise<void> => {
    for (let iteration = 0; ; iteration++) {
      const beganMs = performance.now();
      if (beganMs >= measurement.endMs) return;
      await operate(target, plan, measurement, [worker, iteration], beganMs);
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, (_, worker) => work(worker)));
}

/** Ends once all that began has been answered. */
async function runOpenLoop(
  target: LoadTarget,
  plan: LoadPlan,
  ratePerSecond: number,
  measurement: Measurement,
): Promise<void> {
  const schedule = new Schedule(ratePerSecond, performance.now());
  let failure: { readonly error: unknown } | null = null;
  let [begun, answered] = [0, 0];
  const begin = (index: number): void => {
    const turn = [index % plan.concurrency, Math.floor(index / plan.concurrency)] as const;
    operate(target, plan, measurement, turn, schedule.instantMs(index))
      .catch((error: unknown) => (failure ??= { error }))
      .finally(() => answered++);
  };
  for (;;) {
    const nowMs = performance.now();
    const due = schedule.dueBy(Math.min(nowMs, measurement.endMs));
    while (begun < due) begin(begun++);
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
    if (begun - answered > underWayMax)
      throw new TheodoraError(
        'LOAD_OVERRUN',
        `${begun - answered} operations wait for an answer: the service does not keep up with --rate ${ratePerSecond}; offer less`,
      );
    if (nowMs >= measurement.endMs && answered === begun) return;
    await sleep(tickMs);
  }
}

/** A client that knows nothing of the time before the kill: its longest wait, connecting included. */
async function workLate(plan: LoadPlan, identity: string, measurement: Measurement): Promise<number> {
  if (plan.target.kind !== 'theodora') throw new Error('only a Theodora loses its primary');
  const latePlan: LoadPlan = { ...plan, target: { ...plan.target, identities: [identity] } };
  const worker = plan.firstWorker + plan.concurrency;
  const gap = new LongestGap(performance.now());
  let target: LoadTarget | null = null;
  for (let iteration = 0; performance.now() < measurement.endMs; iteration++) {
    try {
      target ??= await connectTarget(latePlan);
      await target.operate('out', worker, iteration);
      gap.mark(performance.now());
    } catch (error) {
      measurement.failures.add(error);
    }
  }
  gap.mark(measurement.endMs);
  await target?.close();
  return gap.longestMs;
}

export async function runLoad(plan: LoadPlan, observer: LoadObserver): Promise<LoadResult> {
  const target = await connectTarget(plan);
  try {
    if (plan.prepares) await target.prepare(plan.load);
    const measurement = new Measurement(plan, performance.now());
    const warmUp = sleep(plan.warmUpMs)
      .then(() => target.findPrimary())
      .then((primary) => observer.onMeasuring(primary));
    const late =
      plan.lateIdentity === null
        ? Promise.resolve(null)
        : observer.killed.then(() => workLate(plan, plan.lateIdentity!, measurement));
    const { ratePerSecond } = plan;
    const work =
      ratePerSecond === null
        ? runClosedLoop(target, plan, measurement)
        : runOpenLoop(target, plan, ratePerSecond, measurement);
    await Promise.all([warmUp, work]);
    return measurement.result(await late);
  } finally {
    await target.close();
  }
}
