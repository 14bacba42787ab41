/**
 * ReD from outside: coordinators as processes of their own, and database replicas that speak the published protocol (Posse,
 * chapter 3) over TCP. The use cases are those of that text, in its order; each goes on where the one before ended.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScriptedReplica } from '../support/scripted-replica.js';
import { resultOf, Workplace, type Running } from '../support/theodora-process.js';

interface Coordinator {
  readonly process: Running;
  readonly address: string;
}
interface Writer {
  readonly id: string;
  readonly address: string | null;
  readonly token: number;
}

const lease = '5s';
const ids = ['r1', 'r2', 'r3'];
let work: Workplace;
const replicas: ScriptedReplica[] = [];

beforeAll(async () => {
  work = new Workplace();
  await work.up();
  expect(await work.succeed('red', 'init', '--members', ids.join(','))).toEqual({
    space: 'red',
    policy: { digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    members: ids,
    added: ids,
  });
});
afterAll(async () => {
  for (const replica of replicas) replica.leave();
  await work.close();
});

async function coordinator(id: string, ...more: readonly string[]): Promise<Coordinator> {
  const args = ['red', 'coordinator', '--id', id, '--listen', '127.0.0.1:0', '--lease', lease, ...more];
  const process = work.start(...args);
  const listening = await process.event({ event: 'listening' });
  expect(listening).toEqual({
    event: 'listening',
    address: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as string,
    id,
  });
  return { process, address: listening['address'] as string };
}

async function replicaOf({ address }: Coordinator): Promise<ScriptedReplica> {
  const replica = await ScriptedReplica.connect(address);
  replicas.push(replica);
  return replica;
}

async function writer(...more: readonly string[]): Promise<Writer | null> {
  return resultOf(await work.run('red', 'writer', ...more))['writer'] as Writer | null;
}

/** By id. */
async function roles(): Promise<Record<string, unknown>> {
  const { members } = await work.succeed('red', 'status');
  return Object.fromEntries((members as { id: string; role: string }[]).map(({ id, role }) => [id, role]));
}

describe('use cases', () => {
  const coordinators = new Map<string, Coordinator>();
  const databases = new Map<string, ScriptedReplica>();
  const database = (id: string): ScriptedReplica => databases.get(id)!;

  /** A database replica that starts, and says so. */
  async function boot(id: string): Promise<ScriptedReplica> {
    const replica = await replicaOf(coordinators.get(id)!);
    databases.set(id, replica);
    replica.say(`BOOTED ${id}`);
    return replica;
  }

  /** Use case 3. */
  async function join(id: string, writerId: string): Promise<void> {
    const replica = await boot(id);
    expect(await database(writerId).hear()).toBe(`BOOTED ${id}`);
    // Nothing is said to it before the writer knows it.
    expect((await roles())[id]).toBe('stopped');
    database(writerId).say('ACK');
    expect(await replica.hear()).toBe('MAKECOPIER');
  }

  /** Use case 2: one of the two is told the other, and the other nothing. */
  async function successor(candidates: readonly string[]): Promise<string> {
    const id = await Promise.race(
      candidates.map((each) =>
        database(each)
          .peek()
          .then(() => each),
      ),
    );
    expect(await database(id).hear()).toBe(`MAKEWRITER ${candidates.find((other) => other !== id)}`);
    const { token } = (await writer())!;
    expect(await writer()).toEqual({ id, address: null, token });
    await coordinators.get(id)!.process.event({ event: 'role', role: 'writer', token });
    return id;
  }

  beforeAll(async () => {
    for (const id of ids) coordinators.set(id, await coordinator(id));
  });

  it('1 and 2: the first to start is a copier at once, and then the writer', async () => {
    expect(await work.run('red', 'writer')).toMatchObject({ status: 1, out: '{"writer":null}\n', err: '' });
    const late = await work.run('red', 'writer', '--wait', '300ms');
    expect(late).toMatchObject({ status: 1, out: '{"writer":null}\n', err: '' });
    const waiting = work.start('red', 'writer', '--wait', '1m');
    const r1 = await boot('r1');
    expect([await r1.hear(), await r1.hear()]).toEqual(['MAKECOPIER', 'MAKEWRITER']);
    const { token } = await coordinators.get('r1')!.process.event({ event: 'role', role: 'writer' });
    const expected = { writer: { id: 'r1', address: null, token } };
    expect(token).toBeGreaterThan(0);
    const waited = await waiting.finished;
    expect(waited).toMatchObject({ status: 0, err: '' });
    expect(resultOf(waited)).toEqual(expected);
    expect(await work.succeed('red', 'writer')).toEqual(expected);
  });

  it('3: who starts while a writer lives is a copier once the writer has acknowledged it', async () => {
    await join('r2', 'r1');
    await join('r3', 'r1');
    const { token } = (await writer())!;
    const deadline = expect.any(Number) as number;
    const member = { deadline, address: null, token: null, isInSync: false, lagBytes: null };
    expect(await work.succeed('red', 'status')).toEqual({
      members: [
        { id: 'r1', role: 'writer', ...member, token },
        { id: 'r2', role: 'copier', ...member },
        { id: 'r3', role: 'copier', ...member },
      ],
      sync: null,
    });
    const people = await work.runPlain('red', 'status');
    expect(people.out).toMatch(
      /^id +role +lease ends +address +fencing token\nr1 +writer +in \d\.\d s +\d+\nr2 +copier /,
    );
    expect((await work.runPlain('red', 'writer')).out).toMatch(
      /^writer +address +fencing token\nr1 +not known +\d+\n$/,
    );
  });

  it('4: the writer is told of a copier that failed, and admits it when it is back', async () => {
    database('r3').leave();
    await coordinators.get('r3')!.process.event({ event: 'role', role: 'absent' });
    expect(await database('r1').hear()).toBe('FAILED r3');
    expect(await roles()).toEqual({ r1: 'writer', r2: 'copier' });
    await join('r3', 'r1');
  });

  it('6: when the writer fails a copier becomes it, with a greater token; the old one comes back as a copier', async () => {
    const { token } = (await writer())!;
    database('r1').leave();
    const next = await successor(['r2', 'r3']);
    expect((await writer())!.token).toBeGreaterThan(token);
    await join('r1', next);
    expect(await roles()).toEqual(
      Object.fromEntries(ids.map((id) => [id, id === next ? 'writer' : 'copier'])),
    );
  });

  it('6: likewise when the coordinator of the writer is killed, whose replica sees the connection end', async () => {
    const { id: old, token } = (await writer())!;
    coordinators.get(old)!.process.kill('SIGKILL');
    expect(await database(old).hear()).toBeNull();
    const next = await successor(ids.filter((id) => id !== old));
    expect((await writer('--wait', '1m'))!.token).toBeGreaterThan(token);
    coordinators.set(old, await coordinator(old));
    await join(old, next);
  });

  it('end with their coordinators, which end well', async () => {
    for (const [id, { process }] of coordinators) {
      process.kill(id === 'r1' ? 'SIGINT' : 'SIGTERM');
      expect(await process.finished).toMatchObject({ status: 0, err: '' });
      expect(await process.event({ event: 'stopped' })).toEqual({ event: 'stopped', id });
    }
    for (const id of ids) await database(id).closed;
  });
});

describe('a writer that does not answer', () => {
  it('7: is one no more, and the next one deals with who is starting before it is the writer', async () => {
    await work.succeed('red', 'init', '--space', 'pending');
    const options = ['--space', 'pending', '--election', 'lowest'];
    const [first, second, third] = await Promise.all(ids.map((id) => coordinator(id, ...options)));
    const r1 = await replicaOf(first!);
    r1.say('BOOTED r1');
    expect([await r1.hear(), await r1.hear()]).toEqual(['MAKECOPIER', 'MAKEWRITER']);
    const r2 = await replicaOf(second!);
    r2.say('BOOTED r2');
    expect(await r1.hear()).toBe('BOOTED r2');
    r1.say('ACK');
    expect(await r2.hear()).toBe('MAKECOPIER');
    const r3 = await replicaOf(third!);
    r3.say('BOOTED r3');
    expect(await r1.hear()).toBe('BOOTED r3');

    expect(await r1.hear()).toBeNull();
    await first!.process.event({ event: 'hangUp', code: 'ACK_MISSING' });
    const told = await r2.hear();
    if (told === 'BOOTED r3') r2.say('ACK');
    // Where there was no writer for a moment, the starting one may have admitted itself.
    else expect(told).toBe('MAKEWRITER r3');
    expect(await r3.hear()).toBe('MAKECOPIER');
    if (told === 'BOOTED r3') expect(await r2.hear()).toBe('MAKEWRITER r3');
    const { token } = (await writer('--space', 'pending'))!;
    await second!.process.event({ event: 'role', role: 'writer', token });
  });
});

describe('whatever a replica says', () => {
  const form =
    'the messages are BOOTED id, ACK, HELLO red/2, ADDRESS host:port, PING number, STOPPED, SYNC id ..., LAG id=bytes ... (in capitals, one space between words)';

  it('that is no message is answered, and does no harm', async () => {
    await work.succeed('red', 'init', '--space', 'other');
    const { process, address } = await coordinator('r1', '--space', 'other');
    const replica = await ScriptedReplica.connect(address);
    replicas.push(replica);
    const long = 'x'.repeat(10_240);
    const lines = ['booted r1', 'BOOTED r1 r2', 'BOOTED r2', 'BOOTED r/1', 'PING 01', '\u001b[2J', '', long];
    replica.say(...lines);
    const idText =
      'the replica here is r1; an id has 1 to 64 letters, digits, ".", "_" and "-", and is listed once';
    for (const expected of [
      `ERROR KEYWORD_UNKNOWN "booted r1" was ignored: ${form}`,
      `ERROR WORDS_WRONG "BOOTED r1 r2" was ignored: ${form}`,
      `ERROR ID_WRONG "BOOTED r2" was ignored: ${idText}`,
      `ERROR ID_WRONG "BOOTED r/1" was ignored: ${idText}`,
      `ERROR WORDS_WRONG "PING 01" was ignored: ${form}`,
      'ERROR CHARACTERS_WRONG a line was ignored: a line is printable ASCII',
      `ERROR KEYWORD_UNKNOWN "" was ignored: ${form}`,
      'ERROR LINE_TOO_LONG a line was ignored: end every message with a line feed; a line has at most 8192 bytes',
    ])
      expect(await replica.hear()).toBe(expected);
    expect(await process.event({ event: 'malformed', code: 'LINE_TOO_LONG' })).toBeDefined();

    const second = await ScriptedReplica.connect(address);
    replicas.push(second);
    expect(await second.hear()).toMatch(
      /^ERROR REPLICA_CONNECTED the replica r1 is connected here already: /,
    );
    await second.closed;
    await process.event({ event: 'turnedAway', code: 'REPLICA_CONNECTED' });

    replica.say('BOOTED r1');
    expect([await replica.hear(), await replica.hear()]).toEqual(['MAKECOPIER', 'MAKEWRITER']);
  });

  it('of red/2 is on record: its address, and who holds every commit', async () => {
    await work.succeed('red', 'init', '--space', 'extended');
    const { process, address } = await coordinator('r1', '--space', 'extended');
    const replica = await ScriptedReplica.connect(address);
    replicas.push(replica);
    replica.say('HELLO red/2', 'ADDRESS db1.example:5432', 'BOOTED r1');
    expect([await replica.hear(), await replica.hear()]).toEqual(['HELLO red/2', 'MAKECOPIER']);
    const { token } = await process.event({ event: 'role', role: 'writer' });
    expect(await replica.hear()).toBe(`MAKEWRITER token=${String(token)}`);
    replica.say('SYNC r1');
    expect(await replica.hear()).toBe('SYNCED r1');
    // It says nothing more, and so it has failed.
    expect(await replica.hear()).toBeNull();
    await process.event({ event: 'hangUp', code: 'REPLICA_SILENT' });
    const found = { id: 'r1', address: 'db1.example:5432', token };
    expect(await work.succeed('red', 'writer', '--space', 'extended')).toEqual({ writer: found });
    for (;;) {
      const { members, sync } = await work.succeed('red', 'status', '--space', 'extended');
      expect([members, sync]).toMatchObject([[{ id: 'r1', address: found.address, isInSync: true }], ['r1']]);
      const [{ role }] = members as [{ role: string }];
      if (role === 'absent') break;
      expect(role).toBe('writer');
    }
  });

  it('becomes nothing if its coordinator is no member', async () => {
    await work.succeed('client', 'add', 'mallory');
    const { process, address } = await coordinator('mallory');
    const replica = await ScriptedReplica.connect(address);
    replicas.push(replica);
    replica.say('BOOTED mallory');
    const refused = await process.event({ event: 'refused' });
    expect(refused).toMatchObject({ what: 'out', code: 'ACL_DENIED' });
    expect(await roles()).not.toHaveProperty('mallory');
  });
});

describe('refusals', () => {
  it('say what to do', async () => {
    const none = await work.fail(3, 'red', 'writer', '--space', 'none');
    expect(none).toMatchObject({ code: 'NO_SUCH_SPACE', space: 'none' });
    expect(none['message']).toContain('theodora red init');
    expect(await work.fail(3, 'red', 'init', '--members', 'r4')).toMatchObject({
      code: 'SPACE_EXISTS',
      space: 'red',
    });
    // Nothing was done.
    expect(await work.fail(2, 'red', 'status', '--as', 'r4')).toMatchObject({ code: 'IDENTITY_UNKNOWN' });
    const stranger = ['--as', 'mallory', 'red', 'init', '--space', 'hers'];
    expect(await work.fail(3, ...stranger)).toMatchObject({ code: 'ADMIN_ONLY' });

    const coordinate = ['red', 'coordinator', '--id', 'r1', '--listen', '127.0.0.1:0'];
    for (const outOfRange of ['4399ms', '61s']) {
      const range = { leaseMinMs: 4_400, leaseMaxMs: 60_000 };
      expect(await work.fail(2, ...coordinate, '--lease', outOfRange)).toMatchObject({
        code: 'LEASE_OUT_OF_RANGE',
        ...range,
      });
    }
    for (const wrong of [
      ['--listen', '7501'],
      ['--election', 'best'],
      ['--id', 'r/1'],
      ['--lease', '0s'],
    ])
      expect(await work.fail(2, ...coordinate, ...wrong)).toMatchObject({ code: 'USAGE' });
    const { address } = await coordinator('r1');
    expect(await work.fail(2, 'red', 'coordinator', '--id', 'r2', '--listen', address)).toMatchObject({
      code: 'PORT_IN_USE',
      address,
    });
  });
});
