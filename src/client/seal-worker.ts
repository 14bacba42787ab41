/** The dealing thread's program: one dealing for each message. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/index.js';
import { openConfidentialCluster, prepareSealing } from '../confidential/index.js';
import { freshBytes, loadGroup, type SharingKeys } from '../crypto/index.js';

assert(parentPort !== null, 'this is a thread');
const port = parentPort;
const cluster = openConfidentialCluster(await loadGroup(), workerData as SharingKeys);
port.on('message', () => {
  const prepared = prepareSealing(cluster, freshBytes);
  // Moved rather than copied: it holds the secret.
  port.postMessage(prepared, [prepared.secretPart.buffer]);
});
