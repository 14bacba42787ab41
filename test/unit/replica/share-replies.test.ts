/** Shares beside replies (DESIGN section 7): what is sealed waits for them, nothing else does, and events keep their order. */
import { describe, expect, it } from 'vitest';
import { clientId, clientName, sessionId, viewNumber } from '../../../src/base/index.js';
import { encodeEvent, encodeResult, hidden, type Entry, type Outcome } from '../../../src/codec/index.js';
import type { ClientPort } from '../../../src/replica/runtime.js';
import { ShareReplies } from '../../../src/replica/share-replies.js';
import { createCounts } from '../../../src/replica/watch.js';

const client = clientId('a'.repeat(64));
const session = sessionId(3);
const view = viewNumber(0);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const sealedEntry = (id: bigint): Entry => ({
  id,
  tuple: [hidden],
  owner: clientName('alice'),
  deadline: null,
  sealed: { bytes: bytes(1), space: 's', inserter: client, session, number: Number(id) },
});
const sealed = (id: bigint): Uint8Array => encodeResult({ kind: 'entry', entry: sealedEntry(id) });
const event = (id: bigint): Uint8Array => encodeEvent({ kind: 'inserted', entry: sealedEntry(id) });
const outcome = (result: Uint8Array): Outcome => ({ kind: 'result', result });
const plain = encodeResult({ kind: 'count', count: 1 });

/** A read whose client wants the shares of others. */
const withoutShares = 99;

type Told = readonly [kind: string, what: unknown, shares?: unknown];

/** Clients that note what they are told, and a source that answers when the test says so. */
class Fixture {
  readonly told: Told[] = [];
  readonly asked: { resolve(shares: Uint8Array): void; reject(error: Error): void }[] = [];
  readonly drops = createCounts().drops;
  readonly failures: unknown[] = [];
  readonly replies: ShareReplies;

  constructor() {
    const note =
      (kind: string, what: (output: never) => unknown) =>
      (output: never, second?: unknown, third?: unknown): void => {
        const shares = kind === 'reply' ? third : second;
        this.told.push(shares === undefined ? [kind, what(output)] : [kind, what(output), shares]);
      };
    const clients = {
      reply: note('reply', ({ firstNumber }: { firstNumber: number }) => firstNumber),
      readReply: note('read', ({ result }: { result: Uint8Array | null }) => result),
      feedEvent: note('event', ({ sequence }: { sequence: number }) => sequence),
      feedTruncated: note('truncated', ({ after }: { after: number }) => after),
      opened: () => undefined,
      clientEnded: () => undefined,
      flush: () => undefined,
      wantsShares: ({ readId }: { readId: number }) => readId !== withoutShares,
    } satisfies Record<keyof ClientPort | 'wantsShares', unknown>;
    const ask = (): Promise<Uint8Array> =>
      new Promise((resolve, reject) => void this.asked.push({ resolve, reject }));
    this.replies = new ShareReplies({
      clients,
      source: { sharesOfResult: ask, sharesOfEvent: ask },
      drops: this.drops,
      failed: (error) => this.failures.push(error),
    });
  }

  reply(firstNumber: number, ...outcomes: Outcome[]): void {
    this.replies.reply({ kind: 'reply', client, session, firstNumber, outcomes }, view);
  }

  event(sequence: number, data: Uint8Array, stream = 1): void {
    const at = { stream, session, number: 1, previous: sequence - 1, sequence };
    this.replies.feedEvent({ kind: 'feedEvent', ...at, data });
  }

  /** Answers what was asked `index`-th, and lets all hear of it. */
  async answer(index: number, shares: Uint8Array): Promise<void> {
    this.asked[index]!.resolve(shares);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('replies', () => {
  it('wait for their shares if something sealed is in them, and else not', async () => {
    const fixture = new Fixture();
    fixture.reply(1, outcome(plain), outcome(sealed(1n)), { kind: 'waiting' });
    fixture.reply(4, outcome(plain), { kind: 'refused', code: 'REPLIES_FULL' });
    expect(fixture.told).toEqual([['reply', 4]]);
    await fixture.answer(0, bytes(9));
    expect(fixture.told[1]).toEqual(['reply', 1, [bytes(), bytes(9), bytes()]]);
    expect(fixture.failures).toEqual([]);
  });

  it('are dropped, and reads ordered, when too many wait', async () => {
    const fixture = new Fixture();
    for (let number = 1; number <= 4_097; number++) fixture.reply(number, outcome(sealed(1n)));
    expect(fixture.asked).toHaveLength(4_096);
    expect(fixture.drops.totals()).toMatchObject({ SHARES_FULL: 1 });
    fixture.replies.readReply({ kind: 'readReply', client, readId: 1, result: sealed(1n) });
    expect(fixture.told).toEqual([['read', null]]);
    await fixture.answer(0, bytes(9));
    fixture.replies.readReply({ kind: 'readReply', client, readId: 1, result: sealed(1n) });
    await fixture.answer(4_096, bytes(8));
    expect(fixture.told.slice(1)).toEqual([
      ['reply', 1, [bytes(9)]],
      ['read', sealed(1n), bytes(8)],
    ]);
  });

  it('to reads come at once if nothing sealed is in them', () => {
    const fixture = new Fixture();
    for (const result of [plain, null])
      fixture.replies.readReply({ kind: 'readReply', client, readId: 1, result });
    expect(fixture.told).toEqual([
      ['read', plain],
      ['read', null],
    ]);
  });

  it('to reads come without shares, and at once, if those of others are wanted', () => {
    const fixture = new Fixture();
    fixture.replies.readReply({ kind: 'readReply', client, readId: withoutShares, result: sealed(1n) });
    expect(fixture.told).toEqual([['read', sealed(1n)]]);
    expect(fixture.asked).toEqual([]);
  });

  it('whose shares cannot be had are a failure of the replica', async () => {
    const fixture = new Fixture();
    fixture.reply(1, outcome(sealed(1n)));
    const error = new Error('the share thread has ended');
    fixture.asked[0]!.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.failures).toEqual([error]);
    expect(fixture.told).toEqual([]);
  });
});

describe('events of one stream', () => {
  it('keep their order, whichever shares come first, and those of others do not wait', async () => {
    const fixture = new Fixture();
    fixture.event(1, event(1n));
    fixture.event(2, event(2n));
    fixture.event(3, encodeEvent({ kind: 'inserted', entry: { ...sealedEntry(3n), sealed: undefined! } }));
    fixture.replies.feedTruncated({ kind: 'feedTruncated', stream: 1, session, number: 1, after: 3 });
    fixture.event(7, encodeEvent({ kind: 'ended', code: 'SPACE_DELETED' }), 2);
    expect(fixture.told).toEqual([['event', 7]]);
    await fixture.answer(1, bytes(8));
    expect(fixture.told).toHaveLength(1);
    await fixture.answer(0, bytes(9));
    expect(fixture.told.slice(1)).toEqual([
      ['event', 1, bytes(9)],
      ['event', 2, bytes(8)],
      ['event', 3],
      ['truncated', 3],
    ]);
  });
});
