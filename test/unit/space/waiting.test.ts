import { beforeEach, describe, expect, it } from 'vitest';
import { sessionId, type ClientName } from '../../../src/base/index.js';
import { any, decodeEvent, encodeResult, type EntryEvent, type Result } from '../../../src/codec/index.js';
import { defaultSpaceLimits, SpaceSet, type Effects, type Space } from '../../../src/space/index.js';
import { alice, bob, sha256, template, tuple, renew } from './samples.js';

const limits = {
  ...defaultSpaceLimits,
  waitsPerClientMax: 3,
  waitBytesPerClientMax: 4_000,
  subscriptionsPerClientMax: 2,
  eventsPerSpaceMax: 128,
};

/** What was done to others: `7#1 entry 3`. */
class Noted implements Effects {
  readonly lines: string[] = [];
  full: number | null = null;

  resolve(session: number, number: number, result: Result): boolean {
    expect(encodeResult(result)).toBeDefined();
    const what = result.kind === 'entry' ? `entry ${result.entry?.id ?? 'null'}` : result.kind;
    this.lines.push(`${session}#${number} ${what}`);
    return number !== this.full;
  }

  notify(session: number, number: number): void {
    this.lines.push(`${session}#${number} told`);
  }
}

let spaces: SpaceSet;
let space: Space;
let effects: Noted;

beforeEach(() => {
  spaces = new SpaceSet(sha256, limits);
  space = spaces.create('default');
  effects = new Noted();
});

const by = (number: number, client: ClientName = alice) => ({ client, session: sessionId(7), number });
const out = (...values: unknown[]) => space.out(tuple(...values), bob, null, effects);
const took = (): string[] => effects.lines.splice(0);
const all = template(any);

function restored(): SpaceSet {
  return SpaceSet.restored(sha256, limits, spaces.checkpoint().pages);
}

describe('waiting', () => {
  it('answers at once what is there', () => {
    out('a');
    expect(space.rd(all, by(1), null)).toMatchObject({ kind: 'entry', entry: { id: 1n } });
    expect(space.in(all, by(2), null, effects)).toMatchObject({ kind: 'entry', entry: { id: 1n } });
    expect(space.size).toBe(0);
    expect(took()).toEqual([]);
  });

  it('wakes in order of arrival: every rd until the first in, which takes it', () => {
    for (const number of [1, 2]) expect(space.rd(all, by(number), null)).toBe(null);
    expect(space.in(all, by(3, bob), null, effects)).toBe(null);
    expect(space.rd(all, by(4), null)).toBe(null);
    expect(out('a')).toMatchObject({ entry: { id: 1n } });
    expect(took()).toEqual(['7#1 entry 1', '7#2 entry 1', '7#3 entry 1']);
    expect(space.size).toBe(0);
    out('b');
    expect(took()).toEqual(['7#4 entry 2']);
    expect(space.size).toBe(1);
  });

  it.each([
    ['out', () => out('a')],
    ['cas', () => space.cas(template('a'), tuple('a'), bob, null, effects)],
    ['replace', () => space.replace(template('old', any), tuple('a'), bob, null, effects)],
  ])('wakes in the step of an %s', (_, insert) => {
    out('old', 1);
    space.rd(template('a'), by(1), null);
    insert();
    expect(took()).toEqual(['7#1 entry 2']);
  });

  it('leaves an entry where it is if its taker has no room for it, for the next one', () => {
    for (const number of [1, 2]) space.in(all, by(number), null, effects);
    effects.full = 1;
    out('a');
    expect(took()).toEqual(['7#1 entry 1', '7#2 entry 1']);
    expect(space.size).toBe(0);
    space.in(all, by(3), null, effects);
    effects.full = 3;
    out('b');
    expect([took(), space.size]).toEqual([['7#3 entry 2'], 1]);
  });

  it('ends at the deadline and not before', () => {
    space.rd(all, by(1), 20);
    space.in(all, by(2), 10, effects);
    expect(spaces.nextDeadline).toBe(10);
    spaces.expireUntil(9, effects);
    expect(took()).toEqual([]);
    spaces.expireUntil(25, effects);
    expect(took()).toEqual(['7#2 entry null', '7#1 entry null']);
    expect(spaces.nextDeadline).toBe(null);
    out('a');
    expect(took()).toEqual([]);
  });

  it('is cancelled once, and only by whoever began it', () => {
    space.in(all, by(1), null, effects);
    const refused = { kind: 'refused', code: 'NO_SUCH_WAIT', detail: 0 };
    expect(spaces.cancel(bob, sessionId(7), 1, effects)).toEqual(refused);
    expect(spaces.cancel(alice, sessionId(8), 1, effects)).toEqual(refused);
    expect(spaces.cancel(alice, sessionId(7), 1, effects)).toEqual({ kind: 'cancelled' });
    expect(took()).toEqual(['7#1 cancelled']);
    expect(spaces.cancel(alice, sessionId(7), 1, effects)).toEqual(refused);
    out('a');
    expect([took(), space.size]).toEqual([[], 1]);
  });

  it('is over with its session', () => {
    space.in(all, by(1), 10, effects);
    space.in(all, { ...by(1), session: sessionId(8) }, null, effects);
    spaces.endSession(sessionId(7));
    expect(spaces.nextDeadline).toBe(null);
    out('a');
    expect(took()).toEqual(['8#1 entry 1']);
  });

  it('is capped per client, by number and by bytes', () => {
    for (const number of [1, 2, 3]) space.rd(all, by(number), null);
    const refused = { kind: 'refused', code: 'TOO_MANY_WAITS', detail: 3 };
    expect(space.rd(all, by(4), null)).toEqual(refused);
    expect(space.rd(template('x'.repeat(3_000)), by(5, bob), null)).toBe(null);
    expect(space.in(template('y'.repeat(3_000)), by(6, bob), null, effects)).toEqual(refused);
    out('a');
    took();
    expect(space.rd(template('b'), by(7), null)).toBe(null);
  });

  it('goes on in a restored state, in the same order', () => {
    space.rd(all, by(1), 50);
    space.in(all, by(2), null, effects);
    spaces.cancel(alice, sessionId(7), 1, effects);
    space.rd(all, by(3), 60);
    took();
    const copy = restored();
    expect(copy.checkpoint().root).toBe(spaces.checkpoint().root);
    expect(copy.nextDeadline).toBe(60);
    copy.get('default')!.in(all, by(4), null, effects);
    copy.get('default')!.out(tuple('a'), bob, null, effects);
    expect(took()).toEqual(['7#2 entry 1']);
    copy.get('default')!.out(tuple('b'), bob, null, effects);
    expect(took()).toEqual(['7#3 entry 2', '7#4 entry 2']);
  });
});

describe('subscriptions', () => {
  const from = { after: 0, scanned: 0 };
  const wide = { eventsMax: 1_000, bytesMax: 1 << 20 };

  function read(number: number, after = 0, set = spaces): string[] | string | null {
    const part = set.readEvents(by(number), { after, scanned: after }, wide);
    if (part === null || part.kind === 'truncated') return part?.kind ?? null;
    expect(part.isAtEnd).toBe(true);
    return part.events.map(({ sequence, data }) => {
      const event = decodeEvent(data)!;
      return event.kind === 'ended'
        ? `${sequence} ${event.code}`
        : `${sequence} ${event.kind} ${event.entry.id}`;
    });
  }

  it('are told what happens to what matches, as it was then', () => {
    expect(space.subscribe(template('a', any), by(1), null)).toEqual({ kind: 'subscribed', from: 1 });
    space.out(tuple('a', 1), bob, 30, effects);
    out('b', 1);
    renew(space, template('a', any), bob, 40);
    space.replace(template('a', any), tuple('a', 2), alice, null, effects);
    space.inp(template('a', any), effects);
    space.cas(template('a', any), tuple('a', 3), alice, 50, effects);
    spaces.expireUntil(50, effects);
    expect(took()).toEqual(new Array<string>(6).fill('7#1 told'));
    expect(read(1)).toEqual([
      '1 inserted 1',
      '3 replaced 1',
      '4 inserted 3',
      '5 taken 3',
      '6 inserted 4',
      '7 expired 4',
    ]);
    const part = spaces.readEvents(by(1), from, wide);
    const deadlines =
      part?.kind === 'events' &&
      part.events.map(({ data }) => (decodeEvent(data) as EntryEvent).entry.deadline);
    expect(deadlines).toEqual([30, 40, null, null, 50, 50]);
  });

  it('begin now, in the past or in the future', () => {
    out('a');
    out('b');
    expect(space.subscribe(all, by(1), null)).toMatchObject({ from: 3 });
    expect(space.subscribe(all, by(2), 2)).toMatchObject({ from: 2 });
    expect(space.subscribe(all, by(3, bob), 5)).toMatchObject({ from: 5 });
    for (const name of ['c', 'd', 'e']) out(name);
    expect(read(1)).toEqual(['3 inserted 3', '4 inserted 4', '5 inserted 5']);
    expect(read(2)).toEqual(['2 inserted 2', '3 inserted 3', '4 inserted 4', '5 inserted 5']);
    expect(read(2, 4)).toEqual(['5 inserted 5']);
    expect(spaces.readEvents(by(3, bob), from, wide)).toMatchObject({ events: [{ sequence: 5 }] });
    expect(read(3)).toBe(null);
  });

  it('say what is not held any more', () => {
    space.subscribe(all, by(1), null);
    space.subscribe(template('seldom'), by(2), null);
    for (let i = 0; i < 200; i++) out(i);
    out('seldom');
    const oldest = 65;
    expect(space.subscribe(all, by(3, bob), oldest - 1)).toEqual({
      kind: 'refused',
      code: 'HISTORY_TRUNCATED',
      detail: oldest,
    });
    expect(space.subscribe(all, by(4, bob), oldest)).toMatchObject({ from: oldest });
    expect(read(1)).toBe('truncated');
    expect(read(1, 64)).toHaveLength(137);
    expect(read(2)).toEqual(['201 inserted 201']);
    expect(read(2, 0, restored())).toBe('truncated');
    expect(read(2, 64, restored())).toEqual(['201 inserted 201']);
  });

  it('are cancelled, capped, over with their session and there again in a restored state', () => {
    space.subscribe(all, by(1), null);
    space.subscribe(all, by(2), null);
    expect(space.subscribe(all, by(3), null)).toMatchObject({ code: 'TOO_MANY_SUBSCRIPTIONS', detail: 2 });
    expect(spaces.cancel(alice, sessionId(7), 1, effects)).toEqual({ kind: 'cancelled' });
    expect(took()).toEqual(['7#1 told']);
    expect(read(1)).toBe(null);
    out('a');
    const copy = restored();
    expect(copy.checkpoint().root).toBe(spaces.checkpoint().root);
    expect(read(2, 0, copy)).toEqual(['1 inserted 1']);
    copy.endSession(sessionId(7));
    expect(read(2, 0, copy)).toBe(null);
    took();
    copy.get('default')!.out(tuple('b'), bob, null, effects);
    expect(took()).toEqual([]);
  });

  it('are read bit by bit, by number and by bytes', () => {
    space.subscribe(all, by(1), null);
    for (let i = 0; i < 5; i++) out('x'.repeat(100));
    const part = spaces.readEvents(by(1), from, { eventsMax: 2, bytesMax: 10_000 });
    expect(part).toMatchObject({ events: [{ sequence: 1 }, { sequence: 2 }], scanned: 2, isAtEnd: false });
    const next = spaces.readEvents(by(1), { after: 2, scanned: 2 }, { eventsMax: 9, bytesMax: 1 });
    expect(next).toMatchObject({ events: [{ sequence: 3 }], scanned: 3, isAtEnd: false });
    const last = spaces.readEvents(by(1), { after: 4, scanned: 4 }, wide);
    expect(last).toMatchObject({ events: [{ sequence: 5 }], scanned: 5, isAtEnd: true });
  });
});
