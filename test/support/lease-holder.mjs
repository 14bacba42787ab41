/**
 * A process that is elected, or with the word `lock` queues for a lock, works for as long as it holds it, and tells its
 * life in JSON lines. A piece of work is its fencing token in a file, written if its lease says that it may be. On
 * SIGTERM it gives the lease back.
 */
import { appendFileSync } from 'node:fs';
import { any, connect } from '../../dist/client/index.js';
import { Lock } from '../../dist/recipes/index.js';

const [cluster, name, leaseText, workFile, how] = process.argv.slice(2);
const leaseMs = Number(leaseText);
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const pauseMs = 5;

const client = await connect({ cluster, identity: 'admin' });
const space = client.space('default');

async function elected() {
  const won = await space.cas(['leader', any], ['leader', name], { lease: leaseMs, hold: true });
  if (!won.inserted) throw new Error('somebody else is elected');
  return won.lease;
}

const lease = how === 'lock' ? await new Lock(space, 'work', { lease: leaseMs }).acquire() : await elected();
const token = Number(lease.fencingToken);
let isAsked = false;
process.once('SIGTERM', () => (isAsked = true));
const act = () => {
  lease.check();
  appendFileSync(workFile, `${token}\n`);
};
act();
say({ event: 'held', token });
try {
  while (!isAsked) {
    act();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
} catch (error) {
  say({ event: 'lost', token, code: error.code, reason: lease.lost.reason?.code });
}
say({ event: 'released', isReleased: await lease.release(), isHeld: lease.isHeld() });
await client.close();
