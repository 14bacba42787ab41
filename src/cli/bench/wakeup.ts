/**
 * How soon somebody who waits is woken: one client waits with `rd`, another inserts what it waits for; first alone, then
 * beside ten thousand waits for something else. And how soon after its deadline a subscriber hears that an entry has
 * expired, on a cluster without any other traffic. The clients are in this process, the replicas are not.
 */
import { any, connect } from '../../client/index.js';
import type { Client, Space } from '../../client/index.js';
import { Histogram } from './histogram.js';
import type { LoadResult } from './messages.js';

export interface WakeupPlan {
  readonly clusterFile: string;
  /** Two names. */
  readonly identities: readonly string[];
  readonly measureMs: number;
  readonly timeoutMs: number;
  /** Waits of others in the second part. */
  readonly otherWaits: number;
  /** Entries whose expiry is looked at. */
  readonly expiries: number;
}

const leaseMs = 2_200;

/** Resolves once the replicas hold the wait. */
function waitFor(
  space: Space,
  template: readonly [string, number | typeof any],
): {
  readonly isHeld: Promise<void>;
  readonly found: Promise<unknown>;
} {
  let held = (): void => undefined;
  const isHeld = new Promise<void>((resolve) => (held = resolve));
  return { isHeld, found: space.rd(template, { onWaiting: held }) };
}

async function measureWakes(
  waiting: Space,
  inserting: Space,
  name: string,
  measureMs: number,
): Promise<Histogram> {
  const latencies = new Histogram();
  const endMs = performance.now() + measureMs;
  for (let round = 0; performance.now() < endMs; round++) {
    const { isHeld, found } = waitFor(waiting, [name, round]);
    await isHeld;
    const beganMs = performance.now();
    void inserting.out([name, round]);
    await found;
    latencies.add(performance.now() - beganMs);
  }
  return latencies;
}

async function holdWaits(space: Space, count: number): Promise<void> {
  const waits = Array.from({ length: count }, (_, index) => waitFor(space, ['other', index]));
  // They end with the client.
  for (const { found } of waits) found.catch(() => undefined);
  await Promise.all(waits.map(({ isHeld }) => isHeld));
}

/** From the deadline, which is on the same machine's clock, to the event. */
async function measureExpiries(space: Space, count: number): Promise<Histogram> {
  const latencies = new Histogram();
  const events = space.subscribe(['expiring', any]);
  await events.started;
  for (let index = 0; index < count; index++)
    await space.out(['expiring', index], { lease: leaseMs + 40 * index });
  let left = count;
  for await (const { kind, entry } of events) {
    if (kind !== 'expired') continue;
    latencies.add(Date.now() - entry.deadline!);
    if (--left === 0) break;
  }
  return latencies;
}

export async function runWakeup(plan: WakeupPlan): Promise<LoadResult> {
  const { clusterFile, timeoutMs } = plan;
  const clients: Client[] = [];
  try {
    for (const identity of plan.identities)
      clients.push(await connect({ cluster: clusterFile, identity, timeoutMs }));
    const [waiting, inserting] = clients.map((client) => client.space('default')) as [Space, Space];
    await measureWakes(waiting, inserting, 'warm-up', plan.measureMs / 5);
    const beganMs = performance.now();
    const wake = await measureWakes(waiting, inserting, 'alone', plan.measureMs);
    const expiry = await measureExpiries(waiting, plan.expiries);
    await holdWaits(inserting, plan.otherWaits);
    const wakeAmongMany = await measureWakes(waiting, inserting, 'among many', plan.measureMs);
    const latencies = { wake, [`wake beside ${plan.otherWaits} waits`]: wakeAmongMany, expiry };
    return {
      elapsedMs: performance.now() - beganMs,
      latencies: Object.fromEntries(
        Object.entries(latencies).map(([name, value]) => [name, value.toRecord()]),
      ),
      completed: wake.count + wakeAmongMany.count + expiry.count,
      acknowledged: {},
      intervals: [],
      longestGapMs: 0,
      lateGapMs: null,
      errors: {},
    };
  } finally {
    for (const client of clients) await client.close();
  }
}
