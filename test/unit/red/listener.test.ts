/** The listener of a coordinator over real TCP, with a coordinator that only takes notes. */
import { afterEach, describe, expect, it } from 'vitest';
import { listen, type ReplicaListener, type ReplicaPort } from '../../../src/red/index.js';
import { Mailbox } from '../../support/mailbox.js';
import { ScriptedReplica } from '../../support/scripted-replica.js';

interface Host extends ReplicaListener {
  readonly port: ReplicaPort;
  /** What the coordinator is told, and what the listener reports, in one. */
  readonly heard: Mailbox<string>;
  /** What the coordinator does on hearing that. */
  readonly reactions: Map<string, () => void>;
}

const open: { close(): Promise<void> }[] = [];
const replicas: ScriptedReplica[] = [];
afterEach(async () => {
  for (const replica of replicas.splice(0)) replica.leave();
  for (const one of open.splice(0)) await one.close();
});

async function host(): Promise<Host> {
  const heard = new Mailbox<string>();
  const reactions = new Map<string, () => void>();
  let port: ReplicaPort | null = null;
  const hear = (what: string): void => {
    heard.put(what);
    reactions.get(what)?.();
  };
  const listener = await listen({
    id: 'r1',
    host: '127.0.0.1',
    port: 0,
    start: (replica) => {
      port = replica;
      return {
        connected: () => hear('connected'),
        disconnected: () => hear('disconnected'),
        line: (text) => hear(`line ${text}`),
        malformed: (problem) => hear(problem),
      };
    },
    watch: (event) => hear('code' in event ? `${event.kind} ${event.code}` : event.kind),
  });
  open.push(listener);
  return { address: listener.address, close: () => listener.close(), port: port!, heard, reactions };
}

async function connect({ address, heard }: Host): Promise<ScriptedReplica> {
  const replica = await intrude(address);
  expect(await heard.next()).toBe('connected');
  return replica;
}

async function intrude(address: string): Promise<ScriptedReplica> {
  const replica = await ScriptedReplica.connect(address);
  replicas.push(replica);
  return replica;
}

/** Everything heard up to this. */
async function heardUntil({ heard }: Host, last: string): Promise<string[]> {
  const all: string[] = [];
  while (all.at(-1) !== last) all.push(await heard.next());
  return all;
}

describe('the connection of the replica', () => {
  it('brings its lines, and what are none, in order', async () => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    replica.say('BOOTED r1', 'ACK\r', 'é', 'x'.repeat(10_240), '');
    replica.socket.write('STOP');
    replica.say('PED', 'end');
    expect(await heardUntil(coordinator, 'line end')).toEqual([
      'line BOOTED r1',
      'line ACK',
      'CHARACTERS_WRONG',
      'LINE_TOO_LONG',
      'line ',
      'line STOPPED',
      'line end',
    ]);
    coordinator.port.say('MAKECOPIER');
    coordinator.port.say('MAKEWRITER r2');
    expect([await replica.hear(), await replica.hear()]).toEqual(['MAKECOPIER', 'MAKEWRITER r2']);
  });

  it.each<[string, (replica: ScriptedReplica) => unknown]>([
    ['its process is gone', (replica) => replica.leave()],
    ['it is reset', (replica) => replica.socket.resetAndDestroy()],
    ['it says that it says no more', (replica) => replica.socket.end()],
  ])('is over once when %s, and the next one is taken', async (_, end) => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    replica.say('ACK');
    expect(await coordinator.heard.next()).toBe('line ACK');
    end(replica);
    expect(await coordinator.heard.next()).toBe('disconnected');
    await replica.closed;
    coordinator.port.say('to nobody');
    const next = await connect(coordinator);
    next.say('end');
    expect(await heardUntil(coordinator, 'line end')).toEqual(['line end']);
  });

  it('is over at once when it is hung up; nothing is told of it any more', async () => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    coordinator.reactions.set('line BOOTED r1', () => {
      coordinator.port.say('FAILED r2');
      coordinator.port.hangUp();
      coordinator.port.say('MAKECOPIER');
      coordinator.port.hangUp();
    });
    replica.say('BOOTED r1', 'ACK', 'STOPPED');
    expect(await coordinator.heard.next()).toBe('line BOOTED r1');
    await replica.closed;
    const next = await connect(coordinator);
    next.say('end');
    expect(await heardUntil(coordinator, 'line end')).toEqual(['line end']);
    coordinator.port.say('MAKECOPIER');
    expect(await next.hear()).toBe('MAKECOPIER');
  });

  it('is over when the replica does not read, and that costs no memory', async () => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    replica.socket.pause();
    let isOver = false;
    coordinator.reactions.set('hangUp REPLICA_NOT_READING', () => (isOver = true));
    let saidBytes = 0;
    while (!isOver && saidBytes < 2 ** 28) {
      coordinator.port.say('x'.repeat(65_535));
      saidBytes += 65_536;
    }
    coordinator.port.say('MAKECOPIER');
    expect(isOver).toBe(true);
    expect(await heardUntil(coordinator, 'disconnected')).toEqual([
      'hangUp REPLICA_NOT_READING',
      'disconnected',
    ]);
    await connect(coordinator);
  });

  it('may be flooded with lines that are none', async () => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    coordinator.reactions.set('line ', () => coordinator.port.say('ERROR KEYWORD_UNKNOWN '.padEnd(200, 'x')));
    replica.socket.pause();
    const flood = '\n'.repeat(2 ** 18);
    const isOver = heardUntil(coordinator, 'disconnected');
    replica.socket.write(flood);
    expect(new Set(await isOver)).toEqual(new Set(['line ', 'hangUp REPLICA_NOT_READING', 'disconnected']));
  });
});

describe('a second connection', () => {
  it('is told why, and ended; the first goes on', async () => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    const second = await intrude(coordinator.address);
    second.say('BOOTED r1', 'ACK');
    expect(await second.hear()).toBe(
      'ERROR REPLICA_CONNECTED the replica r1 is connected here already: end that connection first, or connect to your own coordinator',
    );
    expect(await coordinator.heard.next()).toBe('turnedAway REPLICA_CONNECTED');
    await second.closed;
    replica.say('end');
    expect(await heardUntil(coordinator, 'line end')).toEqual(['line end']);
    coordinator.port.say('MAKECOPIER');
    expect(await replica.hear()).toBe('MAKECOPIER');
  });
});

describe('the listener', () => {
  it('leaves nothing behind when it is closed', async () => {
    const coordinator = await host();
    const replica = await connect(coordinator);
    const second = await intrude(coordinator.address);
    expect(await coordinator.heard.next()).toBe('turnedAway REPLICA_CONNECTED');
    await coordinator.close();
    await Promise.all([replica.closed, second.closed]);
    await expect(ScriptedReplica.connect(coordinator.address)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    const port = Number(coordinator.address.split(':')[1]);
    const again = await listen({
      ...{ id: 'r1', host: '127.0.0.1', port, watch: () => undefined },
      start: () => {
        coordinator.heard.put('started');
        return { connected() {}, disconnected() {}, line() {}, malformed() {} };
      },
    });
    open.push(again);
    expect(await coordinator.heard.next()).toBe('started');
    expect(again.address).toBe(coordinator.address);
  });

  it('says why it cannot listen, and starts nothing', async () => {
    const { address } = await host();
    const port = Number(address.split(':')[1]);
    const never = {
      start: () => {
        throw new Error('nothing listens');
      },
      watch: () => undefined,
    };
    await expect(listen({ id: 'r1', host: '127.0.0.1', port, ...never })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      fields: { address },
    });
    await expect(listen({ id: 'r1', host: '192.0.2.1', port: 0, ...never })).rejects.toMatchObject({
      code: 'ADDRESS_UNUSABLE',
      fields: { address: '192.0.2.1:0' },
    });
  });
});
