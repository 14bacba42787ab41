/** The share thread's program: one job after the other; what goes wrong ends it, and its replica. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/index.js';
import { stepBack } from './thread-priority.js';
import { createShareWork, type ShareJob, type ShareSettings } from './share-jobs.js';

assert(parentPort !== null, 'this is a thread');
stepBack();
const port = parentPort;
const work = await createShareWork(workerData as ShareSettings);
port.on('message', (job: ShareJob) => port.postMessage(work(job)));
// It takes jobs.
port.postMessage(null);
