/** The agent of a real PostgreSQL server, in the hands of a scripted coordinator. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PostgresAgent } from '../../src/red/postgres/agent.js';
import { codeOf, type AgentEvent } from '../../src/red/postgres/agent-events.js';
import { processesOf, signalProcess } from '../../src/red/postgres/processes.js';
import { PostgresPlace, preparePostgres, type TestServer } from '../support/postgres.js';
import { ScriptedCoordinator } from '../support/scripted-coordinator.js';

const problem = await preparePostgres();
if (problem !== null) console.warn(`Tests of PostgreSQL agents are left out: ${problem}`);
const place = problem === null ? new PostgresPlace() : null;
const coordinator = new ScriptedCoordinator();
const events: AgentEvent[] = [];
let r1: TestServer;
let agent: PostgresAgent;

beforeEach(({ skip }) => skip(problem !== null, problem ?? ''));
beforeAll(async () => {
  if (place === null) return;
  r1 = await place.open('r1');
  agent = new PostgresAgent({
    id: 'r1',
    server: r1.server,
    coordinator: await coordinator.listen(),
    advertise: r1.address,
    watch: (event) => events.push(event),
  });
  agent.start();
});
afterAll(async () => {
  await agent?.close();
  coordinator.close();
  await place?.close();
});

async function hello(): Promise<void> {
  expect(await coordinator.hear()).toBe('HELLO red/2');
  coordinator.say('HELLO red/2');
  expect(await coordinator.hear()).toBe(`ADDRESS 127.0.0.1:${r1.address.port}`);
}

async function becomeCopier(): Promise<void> {
  expect(await coordinator.hear()).toBe('BOOTED r1');
  coordinator.say('MAKECOPIER');
}

/** It may have said more before, by how far it had come with its stop when it was connected again. */
async function hearUntil(line: string): Promise<void> {
  while ((await coordinator.hear()) !== line);
}

const codeIn = (event: AgentEvent): unknown => (event.kind === 'problem' ? codeOf(event.error) : null);
const untilRunning = (): Promise<boolean> => vi.waitUntil(() => r1.server.isRunning, { timeout: 20_000 });
const isCopier = (): Promise<boolean> => r1.server.isInRecovery();

describe('an agent', () => {
  it('makes no data anew for a writer that is on record', async () => {
    await hello();
    await becomeCopier();
    coordinator.say('MAKEWRITER token=4 sync=r1,r2 r2');
    expect(await coordinator.hear()).toBe('STOPPED');
    expect(await r1.server.hasData()).toBe(false);
    expect(events).toContainEqual(
      expect.objectContaining({ error: expect.objectContaining({ code: 'POSTGRES_DATA_MISSING' }) }),
    );
  });

  it('is on record first of all as the first writer, and acknowledges nothing before', async () => {
    await becomeCopier();
    coordinator.say('MAKEWRITER token=5 r2');
    expect(await coordinator.hear()).toBe('SYNC r1');
    expect(await isCopier()).toBe(true);
    coordinator.say('SYNCED r1');
    await vi.waitUntil(() => events.some((event) => event.kind === 'role' && event.role === 'writer'), {
      timeout: 20_000,
    });
    expect(await r1.run(`SELECT current_setting('red.token') AS token`)).toEqual([{ token: '5' }]);
    await r1.run('CREATE TABLE items (name text PRIMARY KEY)');
  });

  it('makes a slot for a copier before it acknowledges it, and goes on saying PING', async () => {
    coordinator.say('BOOTED r3');
    expect(await coordinator.hear()).toBe('ACK');
    const slots = await r1.run('SELECT slot_name::text AS name FROM pg_replication_slots ORDER BY 1');
    expect(slots).toEqual([{ name: 'red_r2' }, { name: 'red_r3' }]);
    const { pings } = coordinator;
    await vi.waitUntil(() => coordinator.pings > pings + 1);
  });

  it('stops at once when it is told to', async () => {
    const toldMs = performance.now();
    coordinator.say('STEPDOWN');
    expect(await coordinator.hear()).toBe('STOPPED');
    expect(performance.now() - toldMs).toBeLessThan(1_000);
    expect(await processesOf(r1.dataDir)).toEqual([]);
  });

  it('even while it starts', async () => {
    await becomeCopier();
    await vi.waitUntil(async () => (await processesOf(r1.dataDir)).length > 0, { interval: 1 });
    coordinator.say('MAKESTOPPED');
    expect(await coordinator.hear()).toBe('STOPPED');
    expect(await processesOf(r1.dataDir)).toEqual([]);
  });

  it('stops by itself before its time is over', async () => {
    await becomeCopier();
    await untilRunning();
    coordinator.trueForMs = null;
    const silentMs = performance.now();
    expect(await coordinator.hear()).toBe('STOPPED');
    expect(performance.now() - silentMs).toBeLessThan(5_000);
    expect(await processesOf(r1.dataDir)).toEqual([]);
    coordinator.trueForMs = 5_000;
  });

  it('stops when the connection ends, and comes back', async () => {
    await becomeCopier();
    await untilRunning();
    coordinator.hangUp();
    await vi.waitUntil(() => !r1.server.isRunning, { timeout: 1_000 });
    await hearUntil('HELLO red/2');
    coordinator.say('HELLO red/2');
    await hearUntil('BOOTED r1');
  });

  it('says that it is stopped when its server dies, and takes part again after a while', async () => {
    coordinator.say('MAKECOPIER');
    await vi.waitUntil(() => isCopier().catch(() => false), { timeout: 20_000 });
    for (const pid of await processesOf(r1.dataDir)) signalProcess(pid, 'SIGKILL');
    await vi.waitUntil(() => events.some((event) => codeIn(event) === 'POSTGRES_ENDED'));
    await hearUntil('STOPPED');
    await hearUntil('BOOTED r1');
    coordinator.say('MAKECOPIER');
    await untilRunning();
  });

  it('ends with its server, and says so', async () => {
    const closed = agent.close();
    await hearUntil('STOPPED');
    await closed;
    expect(await processesOf(r1.dataDir)).toEqual([]);
  });
});
