import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clientId,
  digest,
  replicaId,
  sequenceNumber,
  sessionId,
  viewNumber,
  type ClientId,
  type SessionId,
} from '../../../src/base/index.js';
import {
  decodeServerFrame,
  decodeServerMessage,
  encodeClientFrame,
  encodeClientMessage,
  encodeServerMessage,
  type ClientMessage,
  type EnvelopeBody,
  type Outcome,
  type ServerMessage,
} from '../../../src/codec/index.js';
import { generateIdentityKey, signEnvelope, signHello } from '../../../src/crypto/index.js';
import type { IdentityKey } from '../../../src/crypto/index.js';
import type { Input } from '../../../src/ordering/index.js';
import { ClientSessions } from '../../../src/replica/client-sessions.js';
import type { ClientStreamPorts } from '../../../src/replica/client-stream.js';
import { SpareReplies } from '../../../src/replica/spare-replies.js';
import { splitReply } from '../../../src/replica/split-reply.js';
import { Tally } from '../../../src/replica/tally.js';
import type { FrameReceiver, FrameStream } from '../../../src/replica/transport/frame-stream.js';

const clusterId = 'aa'.repeat(16);
const certificateFingerprint = new Uint8Array(32).fill(3);
const replica = replicaId(2);
const { key: alice } = generateIdentityKey();
const { key: bob } = generateIdentityKey();
const { key: newcomer } = generateIdentityKey();
const nobody = sessionId(0);

/** The client's end of a stream, without a network. */
class FakeStream implements FrameStream {
  readonly address = 'test';
  readonly received: ServerMessage[] = [];
  readonly frameSizes: number[] = [];
  isEnded = false;
  isPaused = false;
  /** While false, frames are accepted but never reported as sent. */
  takesFrames = true;
  receiver!: FrameReceiver;

  write(frame: Uint8Array, done: () => void): void {
    const messages = decodeServerFrame(frame)!.map((encoded) => decodeServerMessage(encoded)!);
    this.received.push(...messages);
    this.frameSizes.push(messages.length);
    if (this.takesFrames) done();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  send(...messages: ClientMessage[]): void {
    this.receiver.frame(encodeClientFrame(messages.map(encodeClientMessage)));
  }

  notices(): string[] {
    return this.received.flatMap((message) => (message.kind === 'notice' ? [message.code] : []));
  }
}

interface World {
  readonly sessions: ClientSessions;
  readonly inputs: Input[];
  readonly drops: Tally;
  /** Who is no client. */
  readonly strangers: Set<ClientId>;
  /** Whether the core takes no more inputs. */
  isFull: boolean;
  nowMs: number;
  open(): FakeStream;
  /** A stream that has said hello. */
  welcome(key: IdentityKey, session?: SessionId): FakeStream;
}

function hello(stream: FakeStream, key: IdentityKey, session = nobody): ClientMessage {
  const challenge = stream.received.find((message) => message.kind === 'challenge')!;
  return signHello({ clusterId, replica, certificateFingerprint, nonce: challenge.nonce }, session, key);
}

/** Lets everything that is due between turns happen. */
const settle = (): void => void vi.advanceTimersByTime(0);

function makeWorld(): World {
  const inputs: Input[] = [];
  const drops = new Tally();
  const world = {
    inputs,
    drops,
    isFull: false,
    nowMs: 0,
    strangers: new Set<ClientId>(),
  };
  const ports: ClientStreamPorts = {
    replica,
    certificateFingerprint,
    clusterId,
    drops,
    view: () => viewNumber(4),
    nowMs: () => result.nowMs,
    isDiskFull: () => false,
    isClient: (client) => !result.strangers.has(client),
    submit: (input) => {
      if (result.isFull) return false;
      inputs.push(input);
      return true;
    },
    requestStatus: () => undefined,
    isAdmin: (client) => client === alice.publicKey,
    fetchSnapshot: (request, send) => {
      const stateDigest = digest('cd'.repeat(32));
      const certificate = { sequenceNumber: sequenceNumber(128), stateDigest, signatures: [] };
      send({ kind: 'snapshotNodes', requestId: request.requestId, certificate, parts: [] });
    },
  };
  const nowMs = (): number => result.nowMs;
  const spare = new SpareReplies({ replica, n: 4, weakQuorumSize: 2, toldPerTurn: 8, nowMs });
  const sessions = new ClientSessions(ports, spare);
  const open = (): FakeStream => {
    const stream = new FakeStream();
    stream.receiver = sessions.accept(stream);
    settle();
    return stream;
  };
  const welcome = (key: IdentityKey, session = nobody): FakeStream => {
    const stream = open();
    stream.send(hello(stream, key, session));
    settle();
    return stream;
  };
  const result: World = Object.assign(world, { sessions, open, welcome });
  return result;
}

function envelope(body: EnvelopeBody, key: IdentityKey): ClientMessage {
  return { kind: 'submit', envelope: signEnvelope(body, key, clusterId).bytes };
}

const requests = (key: IdentityKey, session: number): EnvelopeBody => ({
  kind: 'requests',
  client: clientId(key.publicKey),
  session: sessionId(session),
  firstNumber: 1,
  lowestUnanswered: 1,
  operations: [Uint8Array.of(1)],
  finished: [],
});

const result = (length: number): Outcome => ({ kind: 'result', result: new Uint8Array(length) });
const replyTo = (
  key: IdentityKey,
  session: number,
  outcomes = [result(3)],
): {
  kind: 'reply';
  client: ReturnType<typeof clientId>;
  session: SessionId;
  firstNumber: number;
  outcomes: Outcome[];
} => ({
  kind: 'reply',
  client: clientId(key.publicKey),
  session: sessionId(session),
  firstNumber: 1,
  outcomes,
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('hello', () => {
  it('is answered with the view, and every stream gets a challenge of its own', () => {
    const { sessions, open, welcome } = makeWorld();
    const stream = welcome(alice);
    expect(stream.received.map(({ kind }) => kind)).toEqual(['challenge', 'welcome']);
    expect(stream.received[1]).toEqual({ kind: 'welcome', view: 4 });
    expect(sessions.connected).toBe(1);
    const nonces = [stream, open()].map(
      ({ received }) => received[0]!.kind === 'challenge' && received[0]!.nonce,
    );
    expect(nonces[0]).not.toEqual(nonces[1]);
    expect(sessions.connected).toBe(1);
  });

  it('is needed before anything else', () => {
    const { inputs, drops, open } = makeWorld();
    const stream = open();
    stream.send(
      envelope(requests(alice, 1), alice),
      { kind: 'attach', session: sessionId(1) },
      { kind: 'statusRequest', requestId: 1 },
      { kind: 'read', readId: 1, operation: Uint8Array.of(1) },
      { kind: 'follow', session: sessionId(1), number: 1, after: 0 },
    );
    settle();
    expect(stream.notices()).toEqual(Array.from({ length: 5 }, () => 'HELLO_REQUIRED'));
    expect(drops.totals()).toEqual({ HELLO_REQUIRED: 5 });
    stream.receiver.closed();
    expect(inputs).toEqual([]);
  });

  it('signed for another challenge, replica or key ends the stream', () => {
    const { drops, open, welcome } = makeWorld();
    const other = welcome(alice);
    const replayed = open();
    replayed.send(hello(other, alice));
    const foreign = open();
    foreign.send({ ...hello(foreign, alice), client: clientId(bob.publicKey) } as ClientMessage);
    expect([replayed, foreign].map((stream) => [stream.isEnded, stream.notices()])).toEqual([
      [true, ['HELLO_REFUSED']],
      [true, ['HELLO_REFUSED']],
    ]);
    expect(drops.get('HELLO_REFUSED')).toBe(2);
  });

  it('of who is no client ends the stream', () => {
    const { inputs, open, drops, strangers } = makeWorld();
    strangers.add(clientId(newcomer.publicKey));
    const stream = open();
    stream.send(hello(stream, newcomer), envelope(requests(newcomer, 5), newcomer));
    settle();
    expect([stream.isEnded, stream.notices()]).toEqual([true, ['UNKNOWN_CLIENT']]);
    expect(drops.get('UNKNOWN_CLIENT')).toBe(1);
    expect(inputs).toEqual([]);
  });

  it('is accepted as soon as this replica knows the client', () => {
    const { strangers, welcome } = makeWorld();
    strangers.add(clientId(newcomer.publicKey));
    expect(welcome(newcomer).isEnded).toBe(true);
    strangers.clear();
    expect(welcome(newcomer).received.at(-1)?.kind).toBe('welcome');
  });

  it('may not be repeated, and must come within ten seconds', () => {
    const { welcome, open } = makeWorld();
    const stream = welcome(alice);
    stream.send(hello(stream, alice));
    const late = open();
    vi.advanceTimersByTime(10_000);
    expect(stream.notices()).toEqual(['HELLO_REPEATED']);
    expect([stream.isEnded, late.isEnded]).toEqual([false, true]);
    expect(late.notices()).toEqual(['HELLO_REQUIRED']);
  });
});

describe('a client that is ended', () => {
  it('loses all its streams, after what was told before; other clients keep theirs', () => {
    const { sessions, welcome } = makeWorld();
    const [one, two, other] = [welcome(alice, sessionId(1)), welcome(alice), welcome(bob)];
    sessions.reply(replyTo(alice, 1), viewNumber(4));
    sessions.clientEnded({ kind: 'clientEnded', client: clientId(alice.publicKey) });
    expect(one.received.slice(-2).map(({ kind }) => kind)).toEqual(['reply', 'notice']);
    expect([one, two].map((stream) => [stream.isEnded, stream.notices()])).toEqual([
      [true, ['UNKNOWN_CLIENT']],
      [true, ['UNKNOWN_CLIENT']],
    ]);
    expect(other.isEnded).toBe(false);
    expect(sessions.connected).toBe(1);
    sessions.clientEnded({ kind: 'clientEnded', client: clientId(alice.publicKey) });
  });

  it('by a state transfer, of which nobody tells, loses the stream with its next envelope', () => {
    const { inputs, strangers, welcome } = makeWorld();
    const stream = welcome(alice);
    strangers.add(clientId(alice.publicKey));
    stream.send(envelope(requests(alice, 1), alice));
    expect([stream.isEnded, stream.notices()]).toEqual([true, ['UNKNOWN_CLIENT']]);
    expect(inputs).toEqual([]);
  });
});

describe('what a client sends', () => {
  it('reaches the core: envelopes as they are, reads under an id of the replica’s own', () => {
    const { inputs, welcome } = makeWorld();
    const stream = welcome(alice);
    stream.send(envelope(requests(alice, 1), alice), {
      kind: 'read',
      readId: 77,
      operation: Uint8Array.of(9),
    });
    expect(inputs).toMatchObject([
      { kind: 'envelope', envelope: { body: requests(alice, 1) } },
      { kind: 'read', client: alice.publicKey, operation: Uint8Array.of(9) },
    ]);
  });

  it('says of a read, until it is answered, whether it asks for shares', () => {
    const { sessions, inputs, welcome } = makeWorld();
    const stream = welcome(alice);
    const operation = Uint8Array.of(9);
    stream.send(
      { kind: 'read', readId: 1, operation },
      { kind: 'read', readId: 2, operation, wantsShares: true },
    );
    const replies = inputs
      .filter((input) => input.kind === 'read')
      .map(({ client, readId }) => ({ kind: 'readReply', client, readId, result: null }) as const);
    expect(replies.map((reply) => sessions.wantsShares(reply))).toEqual([false, true]);
    replies.forEach((reply) => sessions.readReply(reply));
    expect(replies.map((reply) => sessions.wantsShares(reply))).toEqual([false, false]);
  });

  it('tells the core which sessions a stream takes part in, each once', () => {
    const { inputs, welcome } = makeWorld();
    const stream = welcome(alice, sessionId(7));
    for (const session of [8, 7, 8, 0]) stream.send({ kind: 'attach', session: sessionId(session) });
    welcome(alice, sessionId(8));
    welcome(bob);
    const attached = (session: number) => ({ kind: 'attached', client: alice.publicKey, session });
    expect(inputs).toEqual([attached(7), attached(8), attached(8)]);
  });

  it('tells the core what it follows, under the number of its stream, and the end of that', () => {
    const { inputs, welcome } = makeWorld();
    const [a, b, idle] = [welcome(alice), welcome(bob), welcome(alice)];
    const follow = (after: number): ClientMessage => ({
      kind: 'follow',
      session: sessionId(5),
      number: 3,
      after,
    });
    a.send(follow(0), follow(64));
    b.send(follow(9));
    for (const stream of [idle, a, a]) stream.receiver.closed();
    const of = (client: IdentityKey, stream: number, after: number): Input => ({
      kind: 'follow',
      stream,
      client: clientId(client.publicKey),
      session: sessionId(5),
      number: 3,
      after,
    });
    expect(inputs).toEqual([
      of(alice, 1, 0),
      of(alice, 1, 64),
      of(bob, 2, 9),
      { kind: 'streamClosed', stream: 1 },
    ]);
  });

  it('ends the stream if the core does not get what is said only once; the rest may be lost', () => {
    const world = makeWorld();
    const [attaching, following, asking] = [alice, alice, alice].map((key) => world.welcome(key));
    world.isFull = true;
    asking!.send(envelope(requests(alice, 1), alice), {
      kind: 'read',
      readId: 1,
      operation: Uint8Array.of(9),
    });
    attaching!.send({ kind: 'attach', session: sessionId(1) });
    following!.send({ kind: 'follow', session: sessionId(1), number: 1, after: 0 });
    const ends = [attaching!, following!, asking!].map((stream) => [stream.isEnded, stream.notices()]);
    expect(ends).toEqual([
      [true, ['INPUTS_FULL']],
      [true, ['INPUTS_FULL']],
      [false, []],
    ]);
  });

  it('is refused if it is not the client’s own, or malformed', () => {
    const { inputs, drops, welcome } = makeWorld();
    const stream = welcome(alice);
    const rejoin: EnvelopeBody = {
      kind: 'rejoin',
      replica: replicaId(1),
      startedAt: 5,
      nonce: new Uint8Array(16),
    };
    stream.send(envelope(requests(bob, 1), bob), envelope(rejoin, alice), {
      kind: 'submit',
      envelope: Uint8Array.of(1, 2, 3),
    });
    stream.receiver.frame(Uint8Array.of(0xff, 0xff));
    stream.receiver.frame(encodeClientFrame([Uint8Array.of(7, 7)]));
    settle();
    const codes = [
      'FOREIGN_ENVELOPE',
      'FOREIGN_ENVELOPE',
      'MALFORMED_ENVELOPE',
      'MALFORMED_FRAME',
      'MALFORMED_MESSAGE',
    ];
    expect(stream.notices()).toEqual(codes);
    expect(Object.values(drops.totals()).reduce((a, b) => a + b)).toBe(5);
    expect(inputs).toEqual([]);
    expect(stream.isEnded).toBe(false);
  });

  it('is held back beyond a number of frames per turn', () => {
    const { welcome } = makeWorld();
    const stream = welcome(alice);
    for (let i = 0; i < 64; i++) stream.send({ kind: 'attach', session: sessionId(1) });
    expect(stream.isPaused).toBe(true);
    settle();
    expect(stream.isPaused).toBe(false);
  });

  it('is bounded: attached sessions, streams of one client, unanswered reads', () => {
    const { sessions, inputs, drops, welcome } = makeWorld();
    const stream = welcome(alice);
    for (let i = 1; i <= 65; i++) stream.send({ kind: 'attach', session: sessionId(i) });
    for (let i = 0; i <= 1_024; i++) stream.send({ kind: 'read', readId: i, operation: Uint8Array.of(1) });
    settle();
    expect(stream.notices()).toEqual(['TOO_MANY_SESSIONS']);
    const count = (kind: Input['kind']) => inputs.filter((input) => input.kind === kind).length;
    expect([count('attached'), count('read'), inputs.length]).toEqual([64, 1_024, 64 + 1_024]);
    expect(stream.received.at(-1)).toEqual({ kind: 'readReply', readId: 1_024, result: null });
    expect(drops.get('READS_FULL')).toBe(1);
    const more = Array.from({ length: 64 }, () => welcome(alice));
    expect(more.map(({ isEnded }) => isEnded)).toEqual([...Array.from({ length: 63 }, () => false), true]);
    expect(sessions.connected).toBe(64);
    expect(welcome(bob).isEnded).toBe(false);
  });
});

describe('an answer finds its streams', () => {
  it('a reply those of its client with its session attached', () => {
    const { sessions, welcome } = makeWorld();
    const attached = welcome(alice);
    attached.send({ kind: 'attach', session: sessionId(1) });
    const byHello = welcome(alice, sessionId(1));
    const elsewhere = welcome(alice, sessionId(2));
    const thief = welcome(bob, sessionId(1));
    sessions.reply(replyTo(alice, 1), viewNumber(6));
    sessions.flush();
    const replies = [attached, byHello, elsewhere, thief].map(({ received }) =>
      received.filter(({ kind }) => kind === 'reply'),
    );
    const expected = { kind: 'reply', view: 6, session: 1, firstNumber: 1, outcomes: [result(3)] };
    expect(replies).toEqual([[expected], [expected], [], []]);
  });

  it('an opened session all of its client’s', () => {
    const { sessions, welcome } = makeWorld();
    const [a, b, other] = [welcome(alice), welcome(alice), welcome(bob)];
    const nonce = new Uint8Array(16);
    sessions.opened(
      { kind: 'opened', client: clientId(alice.publicKey), nonce, session: sessionId(3) },
      viewNumber(1),
    );
    sessions.flush();
    expect([a, b, other].map(({ received }) => received.some(({ kind }) => kind === 'opened'))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('a read’s the one that asked, under the id it gave', () => {
    const { sessions, inputs, welcome } = makeWorld();
    const [a, b] = [welcome(alice), welcome(alice)];
    for (const stream of [a, b]) stream.send({ kind: 'read', readId: 8, operation: Uint8Array.of(1) });
    const ids = inputs.map((input) => (input.kind === 'read' ? input.readId : -1));
    const answer = (readId: number, value: number): void =>
      sessions.readReply({
        kind: 'readReply',
        client: clientId(alice.publicKey),
        readId,
        result: Uint8Array.of(value),
      });
    answer(ids[1]!, 2);
    answer(ids[0]!, 1);
    answer(ids[0]!, 9);
    sessions.flush();
    const results = [a, b].map(({ received }) =>
      received.flatMap((message) =>
        message.kind === 'readReply' ? [[message.readId, message.result?.[0]]] : [],
      ),
    );
    expect(results).toEqual([[[8, 1]], [[8, 2]]]);
  });

  it('a feed’s the stream that follows it, and none once that is closed', () => {
    const { sessions, welcome } = makeWorld();
    const [a, b] = [welcome(alice), welcome(alice)];
    const feed = { session: sessionId(5), number: 3 };
    const event = { ...feed, previous: 4, sequence: 9, data: Uint8Array.of(1, 2) };
    sessions.feedEvent({ kind: 'feedEvent', stream: 2, ...event });
    sessions.feedTruncated({ kind: 'feedTruncated', stream: 1, ...feed, after: 9 });
    for (const stream of [0, 3]) sessions.feedEvent({ kind: 'feedEvent', stream, ...event });
    sessions.flush();
    const told = (stream: FakeStream) => stream.received.filter(({ kind }) => kind.startsWith('feed'));
    expect(told(b)).toEqual([{ kind: 'feedEvent', ...event }]);
    expect(told(a)).toEqual([{ kind: 'feedTruncated', ...feed, after: 9 }]);
    a.receiver.closed();
    sessions.feedEvent({ kind: 'feedEvent', stream: 1, ...event });
    sessions.flush();
    expect(told(a)).toHaveLength(1);
  });

  it('all of a turn’s in one frame', () => {
    const { sessions, welcome } = makeWorld();
    const stream = welcome(alice, sessionId(1));
    for (let i = 0; i < 50; i++) sessions.reply(replyTo(alice, 1), viewNumber(0));
    sessions.flush();
    expect(stream.frameSizes).toEqual([1, 1, 50]);
  });

  it('or nothing, once the stream is closed', () => {
    const { sessions, inputs, welcome } = makeWorld();
    const stream = welcome(alice, sessionId(1));
    stream.send({ kind: 'read', readId: 8, operation: Uint8Array.of(1) });
    stream.receiver.closed();
    expect(sessions.connected).toBe(0);
    const before = stream.received.length;
    sessions.reply(replyTo(alice, 1), viewNumber(0));
    const [read] = inputs;
    const readId = read?.kind === 'read' ? read.readId : -1;
    sessions.readReply({ kind: 'readReply', client: clientId(alice.publicKey), readId, result: null });
    sessions.flush();
    stream.send({ kind: 'attach', session: sessionId(4) });
    settle();
    expect(stream.received).toHaveLength(before);
  });
});

describe('a client that does not keep up', () => {
  it('loses its stream with a notice, the others keep theirs', () => {
    const { sessions, drops, welcome } = makeWorld();
    const slow = welcome(alice, sessionId(1));
    const good = welcome(alice, sessionId(1));
    slow.takesFrames = false;
    for (let i = 0; i < 20; i++) {
      sessions.reply(replyTo(alice, 1, [result(1 << 20)]), viewNumber(0));
      sessions.flush();
    }
    expect([slow.isEnded, slow.notices()]).toEqual([true, ['SLOW_CLIENT']]);
    expect(drops.get('SLOW_CLIENT')).toBe(1);
    expect(good.isEnded).toBe(false);
    expect(good.received.filter(({ kind }) => kind === 'reply')).toHaveLength(20);
    expect(sessions.connected).toBe(1);
  });
});

describe('the end of the replica', () => {
  it('is told to every stream', () => {
    const { sessions, open, welcome } = makeWorld();
    const streams = [open(), welcome(alice), welcome(bob)];
    sessions.close(false);
    expect(streams.map((stream) => [stream.isEnded, stream.notices()])).toEqual(
      streams.map(() => [true, ['SHUTTING_DOWN']]),
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('at a halt lets no reply out', () => {
    const { sessions, welcome } = makeWorld();
    const stream = welcome(alice, sessionId(1));
    sessions.reply(replyTo(alice, 1), viewNumber(0));
    sessions.close(true);
    settle();
    expect(stream.received.some(({ kind }) => kind === 'reply')).toBe(false);
  });
});

describe('a client that is proven faulty', () => {
  it('loses its streams and is not let in for a minute; others stay', () => {
    const world = makeWorld();
    const streams = [world.welcome(alice), world.welcome(alice)];
    const other = world.welcome(bob);
    world.sessions.banish(clientId(alice.publicKey));
    for (const stream of streams) {
      expect(stream.notices()).toEqual(['CLIENT_FAULTY']);
      expect(stream.isEnded).toBe(true);
    }
    expect(other.isEnded).toBe(false);
    world.nowMs = 59_000;
    expect(world.welcome(alice).notices()).toEqual(['CLIENT_FAULTY']);
    world.nowMs = 60_000;
    expect(world.welcome(alice).isEnded).toBe(false);
    expect(world.drops.totals()).toEqual({ CLIENT_FAULTY: 3 });
  });
});

describe('a long reply', () => {
  it('is split in order, each part within the bound unless one result alone is not', () => {
    const outcomes = [5, 5, 5, 30, 0, 4].map(result);
    const reply = {
      kind: 'reply',
      view: viewNumber(1),
      session: sessionId(2),
      firstNumber: 10,
      outcomes,
    } as const;
    const parts = splitReply(reply, 12);
    expect(parts.map((part) => [part.firstNumber, part.outcomes.length])).toEqual([
      [10, 2],
      [12, 1],
      [13, 1],
      [14, 2],
    ]);
    expect(parts.flatMap((part) => part.outcomes)).toEqual(outcomes);
    expect(splitReply(reply, 49)).toEqual([reply]);
    expect(encodeServerMessage(parts[0]!)).toBeInstanceOf(Uint8Array);
  });
});

it('gives the state to the admin alone', () => {
  const { welcome, drops } = makeWorld();
  const nodes = [{ level: 'roots', section: 0, number: 0, offset: 0 }] as const;
  const fetch = { kind: 'fetchSnapshot', requestId: 4, sequenceNumber: sequenceNumber(0), nodes } as const;
  const [admin, other] = [welcome(alice), welcome(bob)];
  admin.send(fetch);
  other.send(fetch);
  settle();
  const answers = ({ received }: FakeStream): ServerMessage[] =>
    received.filter(({ kind }) => kind === 'snapshotNodes');
  expect(answers(admin)).toMatchObject([{ requestId: 4 }]);
  expect([answers(other), other.notices(), drops.get('ADMIN_ONLY')]).toEqual([[], ['ADMIN_ONLY'], 1]);
});
