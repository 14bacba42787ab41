/** A process that floods a space until it is killed: arguments are cluster file, identity, space, how many operations at a time. */
import { connect } from '../../client/index.js';
import { assert } from '../../base/index.js';

const [cluster, identity, name, concurrency] = process.argv.slice(2);
assert(
  cluster !== undefined && identity !== undefined && name !== undefined,
  'the flood is told what to flood',
);
const client = await connect({ cluster, identity, timeoutMs: 60_000 });
const space = client.space(name);
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
