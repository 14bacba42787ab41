/** ReD with real PostgreSQL: a replicated database as processes, whose writer is killed while a client writes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CountingClient } from '../support/counting-client.js';
import { preparePostgres } from '../support/postgres.js';
import { appPassword, RedPostgres } from '../support/red-postgres.js';

const leaseMs = 5_000;
const ids = ['r1', 'r2', 'r3'];

const problem = await preparePostgres();
if (problem !== null) console.warn(`ReD with real PostgreSQL is left out: ${problem}`);
const red = problem === null ? new RedPostgres(`${leaseMs}ms`) : null;
let client: CountingClient;

beforeEach(({ skip }) => skip(problem !== null, problem ?? ''));
beforeAll(async () => {
  if (red === null) return;
  await red.start(ids);
  await red.makeTable();
  client = await CountingClient.start({
    clusterFile: red.work.clusterFile,
    identity: 'admin',
    user: 'app',
    password: appPassword,
    insertTimeoutMs: leaseMs / 5,
  });
}, 120_000);
afterAll(async () => {
  await client?.stop();
  await red?.close();
});

describe('a replicated database', () => {
  it('has one writer, and every other copies and is on record', async () => {
    await red!.untilOnRecord(ids);
    const { id } = (await red!.writer())!;
    expect(await red!.roles()).toEqual(
      Object.fromEntries(ids.map((each) => [each, each === id ? 'writer' : 'copier'])),
    );
    await client.next();
  });

  it.each([1, 2])(
    'goes on with another writer when agent and server of the writer are killed (%i)',
    async () => {
      const { id: old, token } = (await red!.writer())!;
      await client.next();
      const killedMs = performance.now();
      await red!.kill(old);
      const first = await client.next();
      const outageMs = first.atMs - killedMs;
      console.log(
        `writer killed: next acknowledgement after ${Math.round(outageMs)} ms, lease ${leaseMs} ms`,
      );
      expect(first.token).toBeGreaterThan(BigInt(token));
      expect(outageMs).toBeLessThan(2 * leaseMs);

      const agent = red!.startAgent(old);
      const { token: followed } = await agent.event({ event: 'following' });
      expect(followed).toBe(Number(first.token));
      await red!.untilOnRecord(ids);
      console.log(`it is back, and on record, ${Math.round(performance.now() - killedMs)} ms after`);
    },
  );

  it('has every acknowledged insert with its token at the writer; tokens never go back', async () => {
    await client.stop();
    const { id } = (await red!.writer())!;
    const rows = await red!.run(id, 'SELECT n::int AS n, token FROM items');
    const there = new Map(rows.map(({ n, token }) => [n as number, BigInt(token as string)]));
    const { acknowledged } = client;
    console.log(`${acknowledged.length} acknowledged`, Object.fromEntries(client.unknown));
    expect(acknowledged.filter(({ n, token }) => there.get(n) !== token)).toEqual([]);
    expect(acknowledged.filter(({ token }, index) => token < (acknowledged[index - 1]?.token ?? 0n))).toEqual(
      [],
    );
  });
});
