/** ReD with real PostgreSQL: a replicated database as processes, whose writer is killed while a client writes. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CountingClient } from '../support/counting-client.js';
import { preparePostgres } from '../support/postgres.js';
import { appPassword, RedPostgres } from '../support/red-postgres.js';
import { mainPath } from '../support/theodora-process.js';

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

  it('shows how far behind the copiers are', async () => {
    const { id } = (await red!.writer())!;
    const lagsOf = async (): Promise<Record<string, unknown>> => {
      const { members } = await red!.work.succeed('red', 'status');
      const shown = members as { id: string; lagBytes: number | null }[];
      return Object.fromEntries(shown.map((member) => [member.id, typeof member.lagBytes]));
    };
    const expected = Object.fromEntries(ids.map((each) => [each, each === id ? 'object' : 'number']));
    await vi.waitUntil(async () => JSON.stringify(await lagsOf()) === JSON.stringify(expected), 20_000);
    expect((await red!.work.runPlain('red', 'status')).out).toMatch(/in sync +lag\n[^]*copier.* yes +\d+ B/);
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

      const agent = red!.startAgent(old);
      const { token: followed } = await agent.event({ event: 'following' });
      expect(followed).toBe(Number(first.token));
      await red!.untilOnRecord(ids);
      console.log(`it is back, and on record, ${Math.round(performance.now() - killedMs)} ms after`);
    },
  );

  it('goes on at once when the writer ends well, or its server alone is killed', async () => {
    for (const isServerKilled of [false, true]) {
      const { id: old, token } = (await red!.writer())!;
      const { agent } = red!.member(old);
      await client.next();
      const endedMs = performance.now();
      if (isServerKilled) await red!.killServer(old);
      else {
        agent.kill('SIGTERM');
        expect(await agent.finished).toMatchObject({ status: 0, err: '' });
        expect(await red!.serverProcesses(old)).toEqual([]);
        red!.startAgent(old);
      }
      const first = await client.next();
      const how = isServerKilled ? 'server killed' : 'ended well';
      console.log(`writer's ${how}: next acknowledgement after ${Math.round(first.atMs - endedMs)} ms`);
      expect(first.token).toBeGreaterThan(BigInt(token));
      if (isServerKilled) await agent.event({ event: 'problem', code: 'POSTGRES_ENDED' });
      await red!.untilOnRecord(ids);
    }
  });

  it('goes on when all of the writer is suspended, which acknowledges nothing when it goes on', async () => {
    const { id: old, token } = (await red!.writer())!;
    const { agent } = red!.member(old);
    await client.next();
    const suspendedMs = performance.now();
    agent.kill('SIGSTOP');
    const pids = await red!.serverProcesses(old);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const first = await client.next();
    console.log(`writer suspended: next acknowledgement after ${Math.round(first.atMs - suspendedMs)} ms`);
    expect(first.token).toBeGreaterThan(BigInt(token));
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    agent.kill('SIGCONT');
    await agent.event({ event: 'role', role: 'stopped' });
    await red!.untilOnRecord(ids);
  });

  it('goes on when the server alone of the writer is suspended: its agent notices, and ends it', async () => {
    const { id: old, token } = (await red!.writer())!;
    const { agent } = red!.member(old);
    await client.next();
    const suspendedMs = performance.now();
    await red!.suspend(old, { agent: false, server: true });
    const first = await client.next();
    const outageMs = Math.round(first.atMs - suspendedMs);
    console.log(`writer's server suspended: next acknowledgement after ${outageMs} ms`);
    expect(first.token).toBeGreaterThan(BigInt(token));
    await agent.event({ event: 'problem', code: 'POSTGRES_SILENT' });
    await red!.untilOnRecord(ids);
  });

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

describe('theodora red demo', () => {
  it('holds in every step and leaves nothing behind', async () => {
    const { work } = red!;
    const temporary = join(work.directory, 't');
    mkdirSync(temporary);
    const finished = await work.spawn(process.execPath, [mainPath, 'red', 'demo', '--json'], {
      TMPDIR: temporary,
    }).finished;
    expect(finished).toMatchObject({ status: 0, err: '' });
    const lines = finished.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const steps = lines.filter(({ step }) => step !== undefined);
    expect(steps.map(({ name }) => name)).toEqual([
      ...['start', 'write', 'kill', 'rejoin', 'verify', 'summary'],
    ]);
    expect(steps.every(({ ok }) => ok === true)).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('stopped by Ctrl-C leaves nothing behind either', async () => {
    const { work } = red!;
    const temporary = join(work.directory, 'u');
    mkdirSync(temporary);
    const demo = work.spawn(process.execPath, [mainPath, 'red', 'demo', '--json'], { TMPDIR: temporary });
    await demo.event({ name: 'start' });
    demo.kill('SIGINT');
    expect(await demo.finished).toMatchObject({ status: 130 });
    expect(readdirSync(temporary)).toEqual([]);
  });
});
