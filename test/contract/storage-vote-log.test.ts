/** What every vote log promises, on a real directory and on a simulated disk. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digest, sequenceNumber } from '../../src/base/index.js';
import type { LogRecord } from '../../src/codec/index.js';
import {
  bytesOf,
  executed,
  newView,
  prepared,
  prePrepared,
  RealPlace,
  SimulatedPlace,
  stableCheckpoint,
  started,
  viewChange,
  voting,
  type LogPlace,
} from '../support/vote-logs.js';

const places: readonly [string, () => LogPlace][] = [
  ['on a real directory', () => new RealPlace()],
  ['on a simulated disk', () => new SimulatedPlace()],
];

describe.each(places)('a vote log %s', (_, makePlace) => {
  let place: LogPlace;
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(() => place.remove());

  it('is empty at first, and makes no file before its first record', async () => {
    const user = place.open();
    expect(user.opened).toMatchObject({ isNew: true, records: [], events: [] });
    await user.close();
    expect(place.files.list()).toEqual([]);
  });

  it('gives back what was stored: standing records first, then the others in their order', async () => {
    const first = place.open();
    await first.store(started, prePrepared(1), viewChange(2), prepared(1), newView(2));
    await first.store(executed(1), stableCheckpoint(0), voting, prePrepared(2, 0));
    await first.close();
    const second = place.open();
    expect(second.opened).toMatchObject({ isNew: false, events: [] });
    const slots = [prePrepared(1), prepared(1), executed(1), prePrepared(2, 0)];
    expect(second.opened.records).toStrictEqual([voting, newView(2), stableCheckpoint(0), ...slots]);
    // Numbers begin anew in each life.
    await second.store(viewChange(3), prepared(2));
    await second.close();
    expect(await place.remembered()).toStrictEqual([
      ...[voting, viewChange(3), stableCheckpoint(0)],
      ...[...slots, prepared(2)],
    ]);
  });

  it('keeps each kind of record as it was', async () => {
    const user = place.open();
    const withBatch: LogRecord = { ...executed(3), batch: new Uint8Array(0) } as LogRecord;
    const checkpoint: LogRecord = {
      kind: 'checkpoint',
      sequenceNumber: sequenceNumber(128),
      stateDigest: digest('5d'.repeat(32)),
    };
    await user.store({ kind: 'started', as: 'genesis' }, executed(2), withBatch, checkpoint);
    await user.close();
    expect(await place.remembered()).toStrictEqual([
      ...[{ kind: 'started', as: 'genesis' }, executed(2)],
      ...[withBatch, checkpoint],
    ]);
  });

  it('writes what comes up together in one group', async () => {
    const user = place.open();
    for (let i = 1; i <= 3000; i++) user.put(prepared(i));
    await user.untilStored();
    expect(user.tellings).toBe(1);
    await user.close();
    expect(bytesOf(await place.remembered())).toBe(bytesOf(user.appended));
  });

  it('gathers further records while a group is on its way', async () => {
    const user = place.open();
    user.put(prepared(1));
    await user.untilStored();
    user.put(prepared(2));
    const stored = user.untilStored();
    user.put(prepared(3), prepared(4));
    await stored;
    expect(user.tellings).toBe(2);
    await user.close();
    expect(bytesOf(await place.remembered())).toBe(bytesOf(user.appended));
  });

  it('splits what is too much for one group', async () => {
    const user = place.open();
    for (let i = 1; i <= 7; i++) user.put(prePrepared(i, 2 << 20));
    user.put(prePrepared(8, 4 << 20));
    await user.untilStored();
    expect(user.tellings).toBeGreaterThan(2);
    await user.close();
    expect(bytesOf(await place.remembered())).toBe(bytesOf(user.appended));
  });

  it('writes lazy records with the next that is not', async () => {
    const user = place.open();
    user.putLazily(executed(1));
    user.putLazily(executed(2));
    await user.store(prepared(3));
    user.putLazily(executed(4));
    expect(user.tellings).toBe(1);
    expect(user.stored).toBe(3);
    await user.close();
    expect(user.stored).toBe(4);
    expect(bytesOf(await place.remembered())).toBe(bytesOf(user.appended));
  });

  it('writes lazy records that are too many without another', async () => {
    const user = place.open({ lazyBytesMax: 1000 });
    while (user.appended.length < 40) user.putLazily(prePrepared(user.appended.length + 1));
    await place.until(() => user.stored > 0);
    expect(user.stored).toBeGreaterThanOrEqual(10);
    await user.close();
    expect(bytesOf(await place.remembered())).toBe(bytesOf(user.appended));
  });

  it('needs no sync to tell what is written, if so wanted', async () => {
    const user = place.open({ isDurable: false, segmentBytesMax: 2000 });
    for (let i = 1; i <= 20; i++) await user.store(prePrepared(i));
    await user.close();
    expect(await place.remembered({ isDurable: false })).toStrictEqual(user.appended);
  });

  it('goes on in a new segment, which begins with the standing records', async () => {
    const user = place.open({ segmentBytesMax: 4000 });
    await user.store(started, viewChange(1), voting, stableCheckpoint(128));
    for (let i = 129; i <= 160; i++) await user.store(prePrepared(i), prepared(i));
    await user.close();
    expect(place.files.list().length).toBeGreaterThan(3);
    expect(await place.remembered()).toStrictEqual([
      ...[voting, viewChange(1), stableCheckpoint(128)],
      ...user.appended.slice(4),
    ]);
  });

  it('forgets slot records that a saved state covers, and nothing else', async () => {
    const user = place.open();
    await user.store(started, viewChange(1), prePrepared(7), prepared(8), prepared(9), executed(8));
    user.opened.log.truncate(8);
    await user.store(prepared(10));
    await user.close();
    expect(await place.remembered()).toStrictEqual([started, viewChange(1), prepared(9), prepared(10)]);
  });

  it('takes bounded space in a long run with truncations, and bounded memory when opened', async () => {
    const settings = { segmentBytesMax: 256 << 10, segmentBytesWorthwhile: 64 << 10 };
    let peakBytes = 0;
    let user = place.open(settings);
    await user.store(started, newView(3));
    for (let number = 1; number <= 128 * 40; number++) {
      user.put(prePrepared(number, 200), prepared(number));
      user.putLazily(executed(number));
      if (number % 16 === 0) await user.untilStored();
      if (number % 128 !== 0) continue;
      await user.store(stableCheckpoint(number));
      user.opened.log.truncate(number - 20);
      peakBytes = Math.max(peakBytes, place.sizeBytes());
      if (number % 1280 !== 0) continue;
      await user.close();
      user = place.open(settings);
      // Truncations that no group has told yet count for nothing.
      expect(user.opened.records.length).toBeLessThanOrEqual(3 + 3 * (128 + 20));
      expect(user.opened.records.slice(0, 3)).toStrictEqual([started, newView(3), stableCheckpoint(number)]);
    }
    await user.close();
    // All together would take 4 MiB.
    expect(peakBytes).toBeLessThan(700 << 10);
    expect(place.files.list().length).toBeLessThan(6);
  });

  it('tells how far it has come, and a later life is held to it', async () => {
    const user = place.open({ segmentBytesMax: 2000 });
    const positions = [user.opened.log.position];
    for (let i = 1; i <= 20; i++) {
      await user.store(prePrepared(i));
      positions.push(user.opened.log.position);
    }
    await user.close();
    expect(new Set(positions.map((position) => position.join())).size).toBe(21);
    for (const position of positions) {
      const later = place.open({}, position);
      expect(later.opened.records).toStrictEqual(user.appended);
      await later.close();
    }
  });

  it('ignores calls after its end', async () => {
    const user = place.open();
    await user.store(prepared(1));
    await user.close();
    user.put(prepared(2));
    expect(await place.remembered()).toStrictEqual([prepared(1)]);
    expect(user.stored).toBe(1);
  });
});
