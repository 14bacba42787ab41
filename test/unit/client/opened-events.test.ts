/** Events whose tuples are opened first: they keep their order, those of no tuple are left out, and what cannot be opened ends it. */
import { describe, expect, it } from 'vitest';
import { replicaId } from '../../../src/base/index.js';
import { Subscription, type FeedListener, type Shares } from '../../../src/client/index.js';
import type { SpaceEvent } from '../../../src/client/answers.js';
import { eventOf, requestOf } from './scripted-driver.js';
import { settle } from './virtual-clock.js';

interface Opening {
  readonly sequence: number;
  readonly shares: Shares | undefined;
  resolve(event: SpaceEvent<string> | null): void;
  reject(error: Error): void;
}

class Fixture {
  readonly openings: Opening[] = [];
  readonly consumed: number[] = [];
  isFollowed = true;
  listener!: FeedListener;
  readonly subscription = new Subscription<string>(
    {
      subscribe: () => Promise.resolve({ result: { kind: 'subscribed', from: 1 }, request: requestOf(1) }),
      follow: (_request, _after, listener) => {
        this.listener = listener;
        return {
          consumed: (sequence) => void this.consumed.push(sequence),
          unfollow: () => void (this.isFollowed = false),
        };
      },
      unsubscribe: () => Promise.resolve(),
      toEvent: (sequence, { kind, entry }, shares) => {
        // An event without shares needs no opening.
        if (shares === undefined) return { kind, sequence, entry: `plain ${entry.id}` };
        return new Promise((resolve, reject) => this.openings.push({ sequence, shares, resolve, reject }));
      },
      onEnd: () => undefined,
    },
    null,
    undefined,
  );

  tell(sequence: number, shares?: Shares): void {
    this.listener.event(sequence, eventOf('inserted', BigInt(sequence)), shares);
  }
}

const shares: Shares = new Map([[replicaId(0), Uint8Array.of(1)]]);
const opened = (sequence: number): SpaceEvent<string> => ({ kind: 'inserted', sequence, entry: 'opened' });

describe('a subscription to a confidential space', () => {
  it('gives out events in order, whichever is opened first, and leaves out those of no tuple', async () => {
    const fixture = new Fixture();
    await fixture.subscription.started;
    fixture.tell(1, shares);
    fixture.tell(2, shares);
    fixture.tell(3);
    const events: number[] = [];
    const reading = (async () => {
      for await (const { sequence } of fixture.subscription) events.push(sequence);
    })();
    fixture.openings[1]!.resolve(null);
    await settle();
    expect(events).toEqual([]);
    fixture.openings[0]!.resolve(opened(1));
    await settle();
    expect(events).toEqual([1, 3]);
    expect(fixture.consumed).toEqual([1, 2, 3]);
    expect(fixture.openings.map((opening) => opening.shares)).toEqual([shares, shares]);
    await fixture.subscription.close();
    await reading;
  });

  it('ends with the reason why an event could not be opened', async () => {
    const fixture = new Fixture();
    await fixture.subscription.started;
    fixture.tell(1, shares);
    const error = new Error('too few shares');
    fixture.openings[0]!.reject(error);
    const events = fixture.subscription[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toBe(error);
    expect(fixture.isFollowed).toBe(false);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
