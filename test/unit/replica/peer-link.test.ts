import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff } from '../../../src/replica/transport/backoff.js';
import { PeerLink, type DialEvents } from '../../../src/replica/transport/peer-link.js';

interface Attempt {
  readonly events: DialEvents;
  readonly end: ReturnType<typeof vi.fn<() => void>>;
  readonly cancel: ReturnType<typeof vi.fn<() => void>>;
}

let attempts: Attempt[];
let reasons: string[];

function makeLink(): PeerLink {
  return new PeerLink({
    dial: (events) => {
      const attempt = { events, end: vi.fn<() => void>(), cancel: vi.fn<() => void>() };
      attempts.push(attempt);
      return attempt;
    },
    queue: { bytesMax: 1_000, countMax: 3 },
    encodeFrame: (messages) => Uint8Array.from(messages, (message) => message[0]!),
    backoff: new Backoff({ minMs: 50, maxMs: 2_000 }, () => 1 - Number.EPSILON),
    onUp: () => undefined,
    onDown: (reason) => reasons.push(reason),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  attempts = [];
  reasons = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** Delays after which attempts 2, 3, … were made, each failing at once. */
function observeDelays(count: number): number[] {
  const delays: number[] = [];
  for (let i = 0; i < count; i++) {
    attempts.at(-1)!.events.down('refused');
    const before = attempts.length;
    let waited = 0;
    for (; attempts.length === before; waited += 10) vi.advanceTimersByTime(10);
    delays.push(waited);
  }
  return delays;
}

describe('link to a peer', () => {
  it('dials again with growing delays, at most two seconds', () => {
    makeLink().start();
    expect(observeDelays(8)).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
  });

  it('starts over with short delays only after a connection that lasted', () => {
    const link = makeLink();
    link.start();
    observeDelays(4);
    attempts.at(-1)!.events.up(() => undefined);
    expect(observeDelays(1)).toEqual([800]);
    attempts.at(-1)!.events.up(() => undefined);
    vi.advanceTimersByTime(1_000);
    expect(observeDelays(1)).toEqual([50]);
  });

  it('gives up an attempt that gets no answer', () => {
    makeLink().start();
    vi.advanceTimersByTime(5_000);
    expect(attempts[0]!.cancel).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(50);
    expect(attempts).toHaveLength(2);
    attempts[0]!.events.up(() => undefined);
    expect(reasons).toEqual(['no answer in time']);
  });

  it('sends what was queued while down once it is up, the newest if it was too much', () => {
    const link = makeLink();
    link.start();
    for (const value of [1, 2, 3, 4]) link.sender.push(Uint8Array.of(value));
    link.sender.flush();
    const write = vi.fn();
    attempts[0]!.events.up(write);
    expect(link.isUp).toBe(true);
    expect([...(write.mock.calls[0]![0] as Uint8Array)]).toEqual([2, 3, 4]);
  });

  it('waits at its end until what was queued has left', async () => {
    const link = makeLink();
    link.start();
    const dones: (() => void)[] = [];
    attempts[0]!.events.up((_frame, done) => dones.push(done));
    link.sender.push(Uint8Array.of(1));
    const closing = link.close(300);
    expect(dones).toHaveLength(1);
    expect(attempts[0]!.end).not.toHaveBeenCalled();
    dones[0]!();
    await closing;
    expect(attempts[0]!.end).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait for a peer that takes nothing', async () => {
    const link = makeLink();
    link.start();
    attempts[0]!.events.up(() => undefined);
    link.sender.push(Uint8Array.of(1));
    const closing = link.close(300);
    vi.advanceTimersByTime(300);
    await closing;
    expect(attempts[0]!.end).toHaveBeenCalledOnce();
  });

  it('dials soon when the peer shows that it is up, but only once per wait', () => {
    const link = makeLink();
    link.start();
    observeDelays(6);
    attempts.at(-1)!.events.down('refused');
    const before = attempts.length;
    link.nudge();
    vi.advanceTimersByTime(40);
    link.nudge();
    vi.advanceTimersByTime(10);
    expect(attempts).toHaveLength(before + 1);
    link.nudge();
    vi.advanceTimersByTime(1_000);
    expect(attempts).toHaveLength(before + 1);
  });

  it('never dials again after its end', async () => {
    const link = makeLink();
    link.start();
    attempts[0]!.events.down('refused');
    await link.close(0);
    link.nudge();
    vi.advanceTimersByTime(60_000);
    expect(attempts).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
