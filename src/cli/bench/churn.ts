/** Clients that come and go all the time, in a process of their own (load-process.ts). */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../client/index.js';
import { Histogram } from './histogram.js';
import { Failures } from './measurement.js';
import type { ChurnPlan, ChurnResult } from './messages.js';
import { Schedule } from './schedule.js';

/** Of what they insert, so that the space keeps its size. */
const leaseMs = 10_000;

/** Until `stopped`: so many a second, however long the earlier ones take, connect, insert some entries, and close. */
export async function runChurn(plan: ChurnPlan, stopped: Promise<void>): Promise<ChurnResult> {
  const firstAnswer = new Histogram();
  const failures = new Failures();
  const present = new Set<Promise<void>>();
  let isOver = false;
  let [clients, operations] = [0, 0];
  void stopped.then(() => (isOver = true));

  const visit = async (number: number): Promise<void> => {
    const beganMs = performance.now();
    const { clusterFile: cluster, timeoutMs, identities } = plan;
    const client = await connect({ cluster, identity: identities[number % identities.length]!, timeoutMs });
    try {
      const space = client.space('default');
      for (let index = 0; index < plan.operationsPerClient; index++) {
        await space.out(['visitor', number, index], { lease: leaseMs });
        if (index === 0) firstAnswer.add(performance.now() - beganMs);
        operations += 1;
      }
    } finally {
      await client.close();
    }
  };
  const schedule = new Schedule(plan.clientsPerSecond, performance.now());
  while (!isOver) {
    const visited = visit(clients++).catch((error: unknown) => failures.add(error));
    present.add(visited);
    void visited.then(() => present.delete(visited));
    const waitMs = Math.max(0, schedule.instantMs(clients) - performance.now());
    await Promise.race([sleep(waitMs), stopped]);
  }
  await Promise.all(present);
  return { clients, operations, firstAnswer: firstAnswer.toRecord(), errors: failures.byCode };
}
