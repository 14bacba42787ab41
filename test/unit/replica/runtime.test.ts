import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clientId,
  digest,
  replicaId,
  sequenceNumber,
  sessionId,
  viewNumber,
  type ClientId,
} from '../../../src/base/index.js';
import { decodePeerMessage, type PeerMessage } from '../../../src/codec/index.js';
import type { Input, Output } from '../../../src/ordering/index.js';
import { Runtime, type RuntimePorts, type StopReason } from '../../../src/replica/runtime.js';
import { createSlowChecks } from '../../../src/replica/slow-checks.js';
import { MemoryStorage } from '../../../src/replica/storage/memory.js';
import { Tally } from '../../../src/replica/tally.js';
import { FakeCore } from '../../support/fake-core.js';

const commit = (sequence: number): PeerMessage => ({
  kind: 'commit',
  view: viewNumber(0),
  sequenceNumber: sequenceNumber(sequence),
  digest: digest('00'.repeat(32)),
});
const fromPeer = (sequence: number): Input => ({
  kind: 'message',
  from: replicaId(1),
  message: commit(sequence),
});
const client = clientId('11'.repeat(32));
const reply: Output = { kind: 'reply', client, session: sessionId(1), firstNumber: 1, outcomes: [] };
const persist = (recordNumber: number): Output => ({
  kind: 'persist',
  recordNumber,
  record: { kind: 'viewChange', view: viewNumber(1) },
  isLazy: false,
});

interface World {
  readonly core: FakeCore;
  readonly runtime: Runtime;
  /** What left, in order; 'flush' is the end of a turn. */
  readonly calls: string[];
  readonly stops: StopReason[];
  readonly drops: Tally;
  nowMs: number;
}

function makeWorld(overrides: Partial<RuntimePorts> = {}): World {
  const calls: string[] = [];
  const stops: StopReason[] = [];
  const drops = new Tally();
  const show = (bytes: Uint8Array): string => {
    const message = decodePeerMessage(bytes);
    return message?.kind === 'commit' ? String(message.sequenceNumber) : '?';
  };
  const world: World = { core: new FakeCore(), calls, stops, drops, nowMs: 1_000, runtime: null as never };
  const runtime = new Runtime({
    clock: { now: () => world.nowMs },
    peers: {
      send: (to, message) => calls.push(`send ${show(message)} to ${to}`),
      broadcast: (message) => calls.push(`broadcast ${show(message)}`),
      flush: () => calls.push('flush'),
    },
    clients: {
      reply: (_reply, view) => calls.push(`reply in view ${view}`),
      opened: () => calls.push('opened'),
      readReply: () => calls.push('readReply'),
      feedEvent: () => calls.push('feedEvent'),
      feedTruncated: () => calls.push('feedTruncated'),
      clientEnded: () => calls.push('clientEnded'),
      flush: () => calls.push('flush clients'),
    },
    storage: new MemoryStorage(),
    slowChecks: createSlowChecks(),
    watch: { delivered: () => calls.push('delivered'), evidence: () => undefined, event: () => undefined },
    drops,
    keepEvidence: () => calls.push('keepEvidence'),
    stopped: (reason) => stops.push(reason),
    ...overrides,
  });
  return Object.assign(world, { runtime });
}

const kinds = ({ core }: World): string[] => core.inputs.map(({ kind }) => kind);
/** Runs the immediates that are due now, and no timer. */
const turn = (): void => void vi.advanceTimersByTime(0);

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'setTimeout'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('runtime', () => {
  it('gives a turn’s inputs to the core in order, after a tick, and flushes once', () => {
    const world = makeWorld();
    const { core, runtime, calls } = world;
    core.react = (input) => (input.kind === 'message' ? [{ kind: 'broadcast', message: input.message }] : []);
    runtime.start(core);
    for (const sequence of [1, 2, 3]) runtime.submit(fromPeer(sequence));
    expect(core.inputs).toEqual([]);
    turn();
    expect(core.inputs).toEqual([{ kind: 'tick', nowMs: 1_000 }, fromPeer(1), fromPeer(2), fromPeer(3)]);
    expect(calls).toEqual(['broadcast 1', 'broadcast 2', 'broadcast 3', 'flush', 'flush clients']);
  });

  it('carries the outputs of a step out in their order', () => {
    const { core, runtime, calls } = makeWorld();
    core.react = (input) =>
      input.kind === 'message'
        ? [
            { kind: 'send', to: replicaId(2), message: commit(7) },
            reply,
            { kind: 'broadcast', message: commit(8) },
          ]
        : [];
    runtime.start(core);
    runtime.submit(fromPeer(1));
    turn();
    expect(calls.slice(0, 3)).toEqual(['send 7 to 2', 'reply in view 0', 'broadcast 8']);
  });

  it('hands over what concerns clients in its order, and flushes behind it', () => {
    const { core, runtime, calls } = makeWorld();
    const feed = { stream: 4, session: sessionId(1), number: 2 };
    core.react = (input) =>
      input.kind === 'streamClosed'
        ? [
            { kind: 'feedEvent', ...feed, previous: 1, sequence: 2, data: Uint8Array.of(1) },
            reply,
            { kind: 'feedTruncated', ...feed, after: 2 },
          ]
        : [];
    runtime.start(core);
    runtime.submit({ kind: 'streamClosed', stream: 4 });
    turn();
    expect(calls).toEqual(['feedEvent', 'reply in view 0', 'feedTruncated', 'flush', 'flush clients']);
  });

  it('ticks on its timer, never twice for the same millisecond and never backwards', () => {
    const world = makeWorld();
    world.runtime.start(world.core);
    turn();
    vi.advanceTimersByTime(21);
    world.nowMs = 1_020;
    vi.advanceTimersByTime(20);
    world.nowMs = 900;
    vi.advanceTimersByTime(20);
    expect(world.core.inputs).toEqual([
      { kind: 'tick', nowMs: 1_000 },
      { kind: 'tick', nowMs: 1_020 },
    ]);
  });

  it('reports what a round has stored once, in the same turn', () => {
    const world = makeWorld();
    let record = 0;
    world.core.react = (input) => (input.kind === 'message' ? [persist(++record)] : []);
    world.runtime.start(world.core);
    for (const sequence of [1, 2, 3]) world.runtime.submit(fromPeer(sequence));
    turn();
    expect(kinds(world)).toEqual(['tick', 'message', 'message', 'message', 'stored']);
    expect(world.core.inputs.at(-1)).toEqual({ kind: 'stored', recordNumber: 3 });
    expect(world.calls.filter((call) => call === 'flush')).toHaveLength(1);
  });

  it('answers a slow check that nobody registered with: invalid', () => {
    const world = makeWorld();
    const check = digest('ee'.repeat(32));
    world.core.react = (input) =>
      input.kind === 'message' ? [{ kind: 'verify', check, bytes: Uint8Array.of(1) }] : [];
    world.runtime.start(world.core);
    world.runtime.submit(fromPeer(1));
    // The turn, the verdict, and the turn that takes it.
    for (let i = 0; i < 3; i++) vi.advanceTimersByTime(1);
    expect(world.core.inputs.at(-1)).toEqual({ kind: 'verified', check, isValid: false });
  });

  it('stops at a halt and lets nothing out after it', () => {
    const world = makeWorld();
    world.core.react = (input) =>
      input.kind === 'message' ? [{ kind: 'halt', reason: 'STATE_DIVERGED' }, reply] : [];
    world.runtime.start(world.core);
    world.runtime.submit(fromPeer(1));
    world.runtime.submit(fromPeer(2));
    turn();
    expect(world.stops).toEqual([{ kind: 'halted', reason: 'STATE_DIVERGED' }]);
    expect(world.calls).toEqual([]);
    world.runtime.submit(fromPeer(3));
    vi.advanceTimersByTime(1_000);
    expect(kinds(world)).toEqual(['tick', 'message']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops at a broken invariant of the core', () => {
    const world = makeWorld();
    const error = new Error('broken');
    world.core.react = (input) => {
      if (input.kind === 'message') throw error;
      return [reply];
    };
    world.runtime.start(world.core);
    world.runtime.submit(fromPeer(1));
    turn();
    expect(world.stops).toEqual([{ kind: 'failed', error }]);
    expect(world.calls).not.toContain('flush');
  });

  it('stops once', () => {
    const world = makeWorld();
    world.runtime.start(world.core);
    world.runtime.stop({ kind: 'closed' });
    world.runtime.stop({ kind: 'halted', reason: 'VERSION_MISMATCH' });
    expect(world.stops).toEqual([{ kind: 'closed' }]);
  });

  it('drops and counts inputs beyond its bound (pitfall 7)', () => {
    const world = makeWorld();
    world.runtime.start(world.core);
    const input = fromPeer(1);
    for (let i = 0; i < 16_384 + 5; i++) world.runtime.submit(input);
    expect(world.drops.get('INPUTS_FULL')).toBe(5);
    // Or what is kept for the stream would stay for ever.
    world.runtime.submit({ kind: 'streamClosed', stream: 3 });
    expect(world.drops.get('INPUTS_FULL')).toBe(5);
    // Fake timers take what is set in a turn for one a millisecond later.
    for (let i = 0; i < 65; i++) vi.advanceTimersByTime(1);
    expect(world.core.inputs).toHaveLength(16_386);
    expect(kinds(world)).toContain('streamClosed');
  });

  it('takes a share of each replica in a turn, and of clients what is left, however much one of them sends', () => {
    const world = makeWorld();
    world.runtime.start(world.core);
    const read = (of: ClientId, readId: number): Input => ({
      ...{ kind: 'read', client: of, readId, operation: Uint8Array.of(1) },
    });
    const other = clientId('22'.repeat(32));
    for (let i = 0; i < 5_000; i++) world.runtime.submit(fromPeer(i));
    for (let i = 0; i < 5_000; i++) world.runtime.submit(read(client, i), client);
    world.runtime.submit(read(other, 1), other);
    world.runtime.submit({ kind: 'message', from: replicaId(2), message: commit(1) });
    world.runtime.submit({ kind: 'streamClosed', stream: 3 }, client);
    vi.advanceTimersByTime(0);
    const { inputs } = world.core;
    const count = (of: (input: Input) => boolean): number => inputs.filter(of).length;
    expect(count((input) => input.kind === 'message' && input.from === 1)).toBe(256);
    expect(count((input) => input.kind === 'message' && input.from === 2)).toBe(1);
    expect(count((input) => input.kind === 'read')).toBe(256);
    expect(count((input) => input.kind === 'read' && input.client === other)).toBe(1);
    // Behind what its client asked for before.
    for (let i = 0; i < 30; i++) vi.advanceTimersByTime(1);
    expect(kinds(world).lastIndexOf('read')).toBeLessThan(kinds(world).indexOf('streamClosed'));
    expect(inputs).toHaveLength(1 + 5_000 + 5_000 + 1 + 1 + 1);
  });

  it('runs a task after the turn’s inputs, and stops in good order if it fails', () => {
    const world = makeWorld();
    world.core.react = (input) => (input.kind === 'message' ? [reply] : []);
    world.runtime.start(world.core);
    world.runtime.runInTurn(() => world.calls.push('task'));
    world.runtime.submit(fromPeer(1));
    turn();
    expect(world.calls).toEqual(['reply in view 0', 'task', 'flush', 'flush clients']);
    const error = new Error('broken');
    world.runtime.runInTurn(() => {
      throw error;
    });
    turn();
    expect(world.stops).toEqual([{ kind: 'failed', error }]);
  });

  it('takes nothing before the start', () => {
    const world = makeWorld();
    world.runtime.submit(fromPeer(1));
    world.runtime.start(world.core);
    turn();
    expect(kinds(world)).toEqual(['tick']);
  });

  it('computes the state digest once per executed batch', () => {
    const { core, runtime } = makeWorld();
    runtime.start(core);
    runtime.stateDigest();
    runtime.stateDigest();
    expect(core.digestsComputed).toBe(1);
    core.executed = 4;
    expect(runtime.stateDigest()).toBe('cd'.repeat(32));
    expect(core.digestsComputed).toBe(2);
  });
});

describe('a registered slow check', () => {
  it('gives its verdict, and no verdict when it fails', async () => {
    const verdicts: unknown[] = [];
    const checks = createSlowChecks((bytes) =>
      bytes.length > 0 ? Promise.resolve(true) : Promise.reject(new Error('bug')),
    );
    checks.judge(
      Uint8Array.of(1),
      (isValid) => verdicts.push(isValid),
      (error) => verdicts.push(error),
    );
    await Promise.resolve();
    checks.judge(
      new Uint8Array(0),
      (isValid) => verdicts.push(isValid),
      (error) => verdicts.push(error),
    );
    await Promise.resolve();
    expect(verdicts).toEqual([true, new Error('bug')]);
  });
});
