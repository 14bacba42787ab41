import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { digest, replicaId, sequenceNumber, sessionId, viewNumber } from '../../../src/base/index.js';
import {
  decodeClientFrame,
  decodeClientMessage,
  encodeServerFrame,
  encodeServerMessage,
  type ClientMessage,
  type ServerMessage,
} from '../../../src/codec/index.js';
import { generateIdentityKey, verifyHello, type ClusterDescription } from '../../../src/crypto/index.js';
import type { StreamEvents } from '../../../src/client/dial.js';
import { Links } from '../../../src/client/links.js';

const clusterId = '1'.repeat(32);
const { key } = generateIdentityKey();
const nonce = new Uint8Array(32).fill(4);
const view = viewNumber(3);

/** The replica's end of one dialled stream. */
class FakeStream {
  readonly #events: StreamEvents;
  readonly received: ClientMessage[] = [];
  frames = 0;
  isCancelled = false;
  isBlocked = false;

  constructor(events: StreamEvents) {
    this.#events = events;
  }

  write(frame: Uint8Array): boolean {
    this.frames++;
    for (const message of decodeClientFrame(frame)!) this.received.push(decodeClientMessage(message)!);
    return !this.isBlocked;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  say(...messages: ServerMessage[]): void {
    this.#events.frame(encodeServerFrame(messages.map(encodeServerMessage)));
  }

  welcome(replica = 0): void {
    this.say({ kind: 'challenge', replica: replicaId(replica), nonce });
    this.say({ kind: 'welcome', view });
  }

  raw(bytes: Uint8Array): void {
    this.#events.frame(bytes);
  }

  drain(): void {
    this.isBlocked = false;
    this.#events.drained();
  }

  end(reason: string): void {
    this.#events.down(reason);
  }
}

class World {
  /** All streams dialled to replica 0. */
  readonly streams: FakeStream[] = [];
  readonly events: unknown[] = [];
  readonly links: Links;

  constructor() {
    const replica = { id: replicaId(0), address: 'host:1', publicKey: '', tlsFingerprint: 'f0'.repeat(32) };
    const cluster: ClusterDescription = {
      version: 1,
      clusterId,
      replicas: [replica],
      certificateAuthority: '',
      clients: [],
      settings: {},
    };
    const dial = (_replica: unknown, events: StreamEvents): FakeStream => {
      const stream = new FakeStream(events);
      this.streams.push(stream);
      return stream;
    };
    this.links = new Links(
      { cluster, key, dial, random: () => 0.5 },
      {
        up: (id, at) => this.events.push(['up', id, at]),
        down: (id) => this.events.push(['down', id]),
        message: (from, message) => this.events.push([message.kind, from]),
        refused: (isRefused) => this.events.push(['refused', isRefused]),
      },
    );
    this.links.start();
  }

  get stream(): FakeStream {
    return this.streams.at(-1)!;
  }

  get reason(): string | undefined {
    return this.links.problems()[0]?.reason;
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});
afterEach(() => {
  world.links.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const attach = (session: number): ClientMessage => ({ kind: 'attach', session: sessionId(session) });

describe('the handshake', () => {
  it("answers the replica's challenge with a signature for this stream, then is up", () => {
    world.stream.say({ kind: 'challenge', replica: replicaId(0), nonce });
    const [hello] = world.stream.received;
    const certificateFingerprint = new Uint8Array(32).fill(0xf0);
    const context = { clusterId, replica: replicaId(0), certificateFingerprint, nonce };
    expect(hello).toMatchObject({ kind: 'hello', client: key.publicKey, session: 0 });
    expect(verifyHello(context, hello as ClientMessage & { kind: 'hello' })).toBe(true);
    expect(world.links.upCount).toBe(0);
    world.stream.say({ kind: 'welcome', view });
    expect(world.links.upCount).toBe(1);
    expect(world.events).toEqual([['up', 0, 3]]);
    expect(world.links.problems()).toEqual([]);
  });

  it('refuses a replica that says it is another', () => {
    world.stream.say({ kind: 'challenge', replica: replicaId(2), nonce });
    expect(world.stream.isCancelled).toBe(true);
    expect(world.stream.received).toEqual([]);
    expect(world.reason).toBe('it says that it is replica 2');
  });

  it('passes on nothing before the welcome', () => {
    world.stream.say({ kind: 'readReply', readId: 1, result: null });
    world.links.send(replicaId(0), attach(7));
    world.links.flush();
    expect(world.events).toEqual([]);
    expect(world.stream.received).toEqual([]);
  });

  it('is given up when there is no welcome in time', () => {
    world.stream.say({ kind: 'challenge', replica: replicaId(0), nonce });
    vi.advanceTimersByTime(5_000);
    expect(world.streams[0]!.isCancelled).toBe(true);
    expect(world.reason).toBe('no welcome in time');
    expect(world.events).toEqual([]);
  });

  it('tells the code of a refusal, and of the last one only', () => {
    world.stream.say({ kind: 'notice', code: 'HELLO_REFUSED' });
    expect(world.links.isCommonNotice('HELLO_REFUSED')).toBe(true);
    world.stream.end('it ended the stream');
    expect(world.reason).toBe('it refuses: HELLO_REFUSED');
    expect(world.links.isCommonNotice('HELLO_REFUSED')).toBe(true);
    vi.advanceTimersByTime(100);
    world.stream.end('connection refused');
    expect(world.reason).toBe('connection refused');
    expect(world.links.isCommonNotice('HELLO_REFUSED')).toBe(false);
  });
});

describe('a replica that does not know this client', () => {
  const refuse = (): void => {
    world.stream.say({ kind: 'notice', code: 'UNKNOWN_CLIENT' });
    world.stream.end('it ended the stream');
    vi.advanceTimersByTime(2_000);
  };

  it('may lag: only the fourth refusal in a row is believed, and it is asked again all the same', () => {
    for (let streams = 2; streams <= 4; streams++) {
      refuse();
      expect(world.links.isCommonNotice('UNKNOWN_CLIENT')).toBe(false);
      expect(world.links.isCommonNotice('UNKNOWN_CLIENT', false)).toBe(true);
      expect(world.streams).toHaveLength(streams);
    }
    expect(world.events).toEqual([]);
    refuse();
    expect(world.links.isCommonNotice('UNKNOWN_CLIENT')).toBe(true);
    refuse();
    expect(world.streams).toHaveLength(6);
    expect(world.events).toEqual([['refused', true]]);
    world.stream.welcome();
    expect(world.events).toEqual([
      ['refused', true],
      ['up', 0, 3],
      ['refused', false],
    ]);
  });

  it('is counted anew after a welcome, and after another end', () => {
    for (let i = 0; i < 3; i++) refuse();
    world.stream.welcome();
    for (let i = 0; i < 3; i++) refuse();
    expect(world.links.isCommonNotice('UNKNOWN_CLIENT')).toBe(false);
    world.stream.end('connection refused');
    vi.advanceTimersByTime(2_000);
    for (let i = 0; i < 3; i++) refuse();
    expect(world.links.isCommonNotice('UNKNOWN_CLIENT')).toBe(false);
  });
});

describe('a stream that breaks', () => {
  it('is dialled again with doubling delays up to the cap, and from the start after a welcome', () => {
    const delays: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = Date.now();
      world.stream.end('connection refused');
      vi.advanceTimersToNextTimer();
      delays.push(Date.now() - before);
    }
    expect(delays).toEqual([37, 75, 150, 300, 600, 1_200, 1_500, 1_500, 1_500]);
    expect(world.events).toEqual([]);
    world.stream.welcome();
    const before = Date.now();
    world.stream.end('connection lost');
    vi.advanceTimersToNextTimer();
    expect(Date.now() - before).toBe(37);
    expect(world.events).toEqual([
      ['up', 0, 3],
      ['down', 0],
    ]);
    expect(world.reason).toBe('connection lost');
  });

  it.each([
    ['frame', new Uint8Array([255, 255]), 'it sent a malformed frame'],
    ['message', encodeServerFrame([new Uint8Array([255])]), 'it sent a malformed message'],
  ])('because of a malformed %s: cancelled, and what follows is ignored', (_what, bytes, reason) => {
    world.stream.welcome();
    const { stream } = world;
    stream.raw(bytes);
    expect(stream.isCancelled).toBe(true);
    expect(world.reason).toBe(reason);
    stream.say({ kind: 'readReply', readId: 1, result: null });
    stream.end('cancelled');
    expect(world.events).toEqual([
      ['up', 0, 3],
      ['down', 0],
    ]);
    expect(world.reason).toBe(reason);
  });

  it('starts over when the replica keeps too many sessions for it', () => {
    world.stream.welcome();
    world.stream.say({ kind: 'notice', code: 'TOO_MANY_SESSIONS' });
    expect(world.streams[0]!.isCancelled).toBe(true);
    vi.advanceTimersByTime(100);
    world.stream.welcome();
    expect(world.links.upCount).toBe(1);
  });

  it('loses what was not sent yet', () => {
    world.stream.welcome();
    world.links.send(replicaId(0), attach(7));
    world.stream.end('connection lost');
    vi.advanceTimersByTime(100);
    world.stream.welcome();
    world.links.flush();
    expect(world.stream.received.map(({ kind }) => kind)).toEqual(['hello']);
  });
});

describe('sending', () => {
  it('puts the messages of a turn into one frame', () => {
    world.stream.welcome();
    for (const session of [1, 2, 3]) world.links.send(replicaId(0), attach(session));
    expect(world.stream.frames).toBe(1);
    world.links.flush();
    expect(world.stream.frames).toBe(2);
    expect(world.stream.received.slice(1)).toEqual([attach(1), attach(2), attach(3)]);
  });

  it('starts another frame at 1 MiB and at 4,096 messages', () => {
    world.stream.welcome();
    const envelope = new Uint8Array(700 << 10);
    for (let i = 0; i < 3; i++) world.links.send(replicaId(0), { kind: 'submit', envelope });
    world.links.flush();
    expect(world.stream.frames).toBe(1 + 3);
    for (let i = 0; i < 5_000; i++) world.links.send(replicaId(0), attach(i + 1));
    world.links.flush();
    expect(world.stream.frames).toBe(1 + 3 + 2);
  });

  it('waits while the replica does not read, and gives it up beyond 16 MiB', () => {
    world.stream.welcome();
    world.stream.isBlocked = true;
    const envelope = new Uint8Array(1 << 20);
    for (let i = 0; i < 3; i++) {
      world.links.send(replicaId(0), { kind: 'submit', envelope });
      world.links.flush();
    }
    expect(world.stream.received).toHaveLength(2);
    world.stream.drain();
    expect(world.stream.received).toHaveLength(4);
    world.stream.isBlocked = true;
    for (let i = 0; i < 18; i++) {
      world.links.send(replicaId(0), { kind: 'submit', envelope });
      world.links.flush();
    }
    expect(world.streams[0]!.isCancelled).toBe(true);
    expect(world.reason).toBe('it takes no messages any more');
  });
});

describe('status', () => {
  const status: ServerMessage & { kind: 'statusReply' } = {
    kind: 'statusReply',
    requestId: 1,
    replica: replicaId(0),
    view,
    primary: replicaId(3),
    isActive: true,
    isObserver: false,
    executed: sequenceNumber(12),
    stableCheckpoint: sequenceNumber(0),
    stateDigest: digest('d'.repeat(64)),
    peersConnected: 3,
    clientsConnected: 1,
    version: '1.2.3',
    suspicions: [],
    refusals: [{ code: 'ACL_DENIED', client: 'bob', space: 'jobs', count: 2 }],
  };

  it("is the replica's own answer", async () => {
    world.stream.welcome();
    const asked = world.links.status(1_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.stream.received.at(-1)).toEqual({ kind: 'statusRequest', requestId: 1 });
    world.stream.say({ ...status, requestId: 9 }, { ...status, replica: replicaId(1) }, status);
    const { kind: _kind, requestId: _requestId, replica: _replica, ...rest } = status;
    expect(await asked).toEqual([{ id: 0, address: 'host:1', reachable: true, ...rest }]);
    expect(world.events).toEqual([['up', 0, 3]]);
  });

  it('waits for a stream that is coming up', async () => {
    const asked = world.links.status(1_000);
    world.stream.welcome();
    await vi.advanceTimersByTimeAsync(0);
    world.stream.say(status);
    expect(await asked).toMatchObject([{ reachable: true, executed: 12 }]);
  });

  it('says why a replica is unreachable', async () => {
    world.stream.end('connection refused');
    const problem = { id: 0, address: 'host:1', reachable: false };
    expect(await world.links.status(1_000)).toEqual([{ ...problem, reason: 'connection refused' }]);

    vi.advanceTimersByTime(100);
    world.stream.welcome();
    const silent = world.links.status(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await silent).toEqual([{ ...problem, reason: 'it did not answer in time' }]);

    const broken = world.links.status(1_000);
    await vi.advanceTimersByTimeAsync(0);
    world.stream.end('connection lost');
    expect(await broken).toEqual([{ ...problem, reason: 'connection lost' }]);
  });
});

it('nothing happens after close', () => {
  world.stream.welcome();
  const { stream } = world;
  world.links.close();
  world.links.close();
  expect(stream.isCancelled).toBe(true);
  stream.say({ kind: 'readReply', readId: 1, result: null });
  stream.end('cancelled');
  vi.advanceTimersByTime(60_000);
  expect(world.streams).toHaveLength(1);
  expect(world.events).toEqual([['up', 0, 3]]);
});
