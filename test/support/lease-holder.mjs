/**
 * A process that is elected, works for as long as it is, and tells its life in JSON lines. A piece of work is its
 * fencing token in a file, written if its lease says that it may be. On SIGTERM it gives the lease back.
 */
import { appendFileSync } from 'node:fs';
import { any, connect } from '../../dist/client/index.js';

const [cluster, name, lease, workFile] = process.argv.slice(2);
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const pauseMs = 5;

const client = await connect({ cluster, identity: 'admin' });
const space = client.space('default');
const options = { lease: Number(lease), hold: true };
const won = await space.cas(['leader', any], ['leader', name], options);
if (!won.inserted) throw new Error('somebody else is elected');

const token = Number(won.lease.fencingToken);
let isAsked = false;
process.once('SIGTERM', () => (isAsked = true));
const act = () => {
  won.lease.check();
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
  say({ event: 'lost', token, code: error.code, reason: won.lease.lost.reason?.code });
}
say({ event: 'released', isReleased: await won.lease.release(), isHeld: won.lease.isHeld() });
await client.close();
