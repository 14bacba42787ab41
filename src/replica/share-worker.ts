/** The share thread's program: one job after the other; what goes wrong ends it, and its replica. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/index.js';
import { createShareWork, type ShareJob, type ShareSettings } from './share-jobs.js';

assert(parentPort !== null, 'this is a thread');
const port = parentPort;
const work = await createShareWork(workerData as ShareSettings);
port.on('message', ({ id, job }: { id: number; job: ShareJob }) =>
  port.postMessage({ id, answer: work(job) }),
);
port.postMessage({ id: 0, answer: true });
