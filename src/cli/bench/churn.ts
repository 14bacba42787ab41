/** Clients that come and go all the time, in a process of their own (load-process.ts). */
import { TheodoraError } from '../../base/index.js';
import { connect } from '../../client/index.js';
import { Histogram } from './histogram.js';
import { Failures } from './measurement.js';
import type { ChurnPlan, ChurnResult } from './messages.js';

/** Of what they insert, so that the space keeps its size. */
const leaseMs = 10_000;

/** Until `stopped`: each client connects, inserts some entries, and closes. */
export async function runChurn(plan: ChurnPlan, stopped: Promise<void>): Promise<ChurnResult> {
  const firstAnswer = new Histogram();
  const failures = new Failures();
  let isOver = false;
  let [clients, operations] = [0, 0];
  void stopped.then(() => (isOver = true));

  const beOne = async (number: number): Promise<void> => {
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
  const work = async (): Promise<void> => {
    while (!isOver) {
      try {
        await beOne(clients++);
      } catch (error) {
        failures.add(error);
      }
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, work));
  if (clients === 0) throw new TheodoraError('LOAD_FAILED', 'no client had the time to connect');
  return { clients, operations, firstAnswer: firstAnswer.toRecord(), errors: failures.byCode };
}
