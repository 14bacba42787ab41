/** A process that floods a cluster with confidential operations until it is killed: arguments are cluster file, identity, how many at a time. */
import { connect } from '../../client/index.js';
import { assert } from '../../base/index.js';

const [cluster, identity, concurrency] = process.argv.slice(2);
assert(cluster !== undefined && identity !== undefined, 'the flood is told whom to flood');
const client = await connect({ cluster, identity, timeoutMs: 60_000 });
const space = client.space('confidential');
let next = 0;

async function flood(): Promise<never> {
  for (;;) {
    const key = next++;
    await space.out(['flood', key, 'a value']);
    await space.inp(['flood', key, 'a value']);
  }
}

const floods = Array.from({ length: Number(concurrency) }, flood);
process.send?.('flooding');
await Promise.all(floods);
