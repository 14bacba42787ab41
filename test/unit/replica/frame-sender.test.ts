import { describe, expect, it, vi } from 'vitest';
import { FrameSender, shareFrames } from '../../../src/replica/transport/frame-sender.js';

const limits = { bytesMax: 1 << 20, countMax: 1_000 };

/** A stream that takes frames and completes them when told; a frame shows as the messages' first bytes. */
class FakeStream {
  readonly frames: number[][] = [];
  readonly #dones: (() => void)[] = [];

  readonly write = (frame: Uint8Array, done: () => void): void => {
    this.frames.push([...frame]);
    this.#dones.push(done);
  };

  complete(): void {
    this.#dones.shift()?.();
  }
}

const encode = (messages: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(messages, (message) => message[0]!);
const one = (value: number): Uint8Array => Uint8Array.of(value);

describe('frame sender', () => {
  it('sends what a turn queued as one frame', () => {
    const sender = new FrameSender(limits, encode);
    const stream = new FakeStream();
    sender.connect(stream.write);
    for (const value of [1, 2, 3]) sender.push(one(value));
    expect(stream.frames).toEqual([]);
    sender.flush();
    expect(stream.frames).toEqual([[1, 2, 3]]);
    sender.flush();
    expect(stream.frames).toHaveLength(1);
  });

  it('packs what comes while the stream is busy into the next frame', () => {
    const sender = new FrameSender(limits, encode);
    const stream = new FakeStream();
    sender.connect(stream.write);
    for (const value of [1, 2, 3, 4, 5]) {
      sender.push(one(value));
      sender.flush();
    }
    expect(stream.frames).toEqual([[1], [2]]);
    stream.complete();
    expect(stream.frames).toEqual([[1], [2], [3, 4, 5]]);
  });

  it('keeps the queue for the next stream and ignores completions of the old one', () => {
    const sender = new FrameSender(limits, encode);
    const old = new FakeStream();
    sender.connect(old.write);
    for (const value of [1, 2, 3]) {
      sender.push(one(value));
      sender.flush();
    }
    sender.disconnect();
    sender.push(one(4));
    sender.flush();
    const next = new FakeStream();
    sender.connect(next.write);
    expect(next.frames).toEqual([[3, 4]]);
    old.complete();
    old.complete();
    for (const value of [5, 6]) {
      sender.push(one(value));
      sender.flush();
    }
    expect(next.frames).toEqual([[3, 4], [5]]);
  });

  it('tells when all that was queued has been taken', async () => {
    const sender = new FrameSender(limits, encode);
    const stream = new FakeStream();
    sender.connect(stream.write);
    await sender.idle();
    sender.push(one(1));
    sender.flush();
    const settled = vi.fn();
    const idle = sender.idle().then(settled);
    await Promise.resolve();
    expect(settled).not.toHaveBeenCalled();
    stream.complete();
    await idle;
    expect(settled).toHaveBeenCalledOnce();
  });

  it('is idle at once when the stream is gone', async () => {
    const sender = new FrameSender(limits, encode);
    sender.connect(new FakeStream().write);
    sender.push(one(1));
    sender.flush();
    const idle = sender.idle();
    sender.disconnect();
    await expect(idle).resolves.toBeUndefined();
  });
});

describe('shared frames', () => {
  it('encode the same messages once, whoever they are for', () => {
    const encodeOnce = vi.fn(encode);
    const shared = shareFrames(encodeOnce);
    const [a, b] = [one(1), one(2)];
    expect(shared([a, b])).toBe(shared([a, b]));
    expect(encodeOnce).toHaveBeenCalledOnce();
  });

  it('never mix up different ones', () => {
    const shared = shareFrames(encode);
    const [a, b] = [one(1), one(2)];
    expect([...shared([a])]).toEqual([1]);
    expect([...shared([a, b])]).toEqual([1, 2]);
    expect([...shared([b, a])]).toEqual([2, 1]);
    expect([...shared([one(1)])]).toEqual([1]);
    expect([...shared([])]).toEqual([]);
  });
});
