/**
 * A vote log that is not as it was written: one damaged copy is mended, everything else is refused by name; never a wrong
 * record, never another error. And a disk that refuses.
 */
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidInputError, prng, TheodoraError } from '../../src/base/index.js';
import { encodeLogRecord } from '../../src/codec/index.js';
import {
  encodeSegmentHeader,
  groupBytes,
  parseSegmentHeader,
  segmentHeaderBytes,
} from '../../src/replica/storage/vote-log-format.js';
import {
  bytesOf,
  prepared,
  prePrepared,
  RealPlace,
  SimulatedPlace,
  stableCheckpoint,
  started,
  viewChange,
  type LogPlace,
  type LogUser,
} from '../support/vote-logs.js';

/** With how many of all possible places of damage are tried: one in so many. */
const places: readonly [string, () => LogPlace, number][] = [
  ['on a real directory', () => new RealPlace(), 41],
  ['on a simulated disk', () => new SimulatedPlace(), 1],
];
const settings = { segmentBytesMax: 2200 };
const nameOf = (segment: number): string => `000000000${segment}.votes`;
const [second, third, fourth] = [nameOf(2), nameOf(3), nameOf(4)];

/** A small log of three segments, the first of which has gone. */
async function makeLog(place: LogPlace, view = 1): Promise<LogUser> {
  const user = place.open(settings);
  await user.store(started, prePrepared(1), prepared(1), viewChange(view));
  for (let number = 2; number <= 13; number++) {
    await user.store(prePrepared(number), prepared(number));
    if (number === 6) user.opened.log.truncate(4);
  }
  await user.store(stableCheckpoint(2));
  await user.close();
  return user;
}

/** As long as each group of the log but its first and its last. */
const lastRecords = [prePrepared(5), prepared(5)];
const changed = (bytes: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array => {
  const copy = bytes.slice();
  change(copy);
  return copy;
};
const flip = (bytes: Uint8Array, at: number, mask: number): Uint8Array =>
  changed(bytes, (copy) => (copy[at]! ^= mask));

describe.each(places)('a damaged vote log %s', (_, makePlace, sampling) => {
  let place: LogPlace;
  let good: Map<string, Uint8Array>;
  let position: Uint8Array;
  let remembered: string;
  beforeEach(async () => {
    place = makePlace();
    position = (await makeLog(place)).opened.log.position;
    good = place.contents();
    remembered = bytesOf(await place.remembered());
    expect([...good.keys()]).toEqual([second, third, fourth]);
  });
  afterEach(() => place.remove());

  const withFile = (name: string, bytes: Uint8Array): Map<string, Uint8Array> =>
    new Map(good).set(name, bytes);

  async function open(files: ReadonlyMap<string, Uint8Array>, expectAtLeast: Uint8Array | null = position) {
    place.fill(files);
    const user = place.open(settings, expectAtLeast);
    await user.close();
    return user.opened;
  }

  async function refusal(
    files: ReadonlyMap<string, Uint8Array>,
    expectAtLeast: Uint8Array | null = position,
  ): Promise<InvalidInputError> {
    const error: unknown = await open(files, expectAtLeast).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof InvalidInputError)) throw new Error('not refused', { cause: error });
    expect(error).toMatchObject({
      code: 'VOTE_LOG_DAMAGED',
      fields: { path: expect.any(String), offset: expect.any(Number), record: expect.any(Number) },
    });
    // A log that is refused stays as it is.
    expect(place.contents()).toStrictEqual(new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))));
    return error;
  }

  it('is mended after any single byte has changed', async () => {
    for (const [name, bytes] of good) {
      for (let at = name === third ? 5 : 0; at < bytes.length; at += sampling) {
        const mask = [0xff, 1, 0x80][at % 3]!;
        const opened = await open(withFile(name, flip(bytes, at, mask)), at % 2 === 0 ? position : null);
        if (bytesOf(opened.records) !== remembered) expect.unreachable(`${name} ${at}`);
        expect(opened.events).toMatchObject([{ event: 'vote-log-repaired', fields: { file: name } }]);
        if (Buffer.compare(place.contents().get(name)!, bytes) !== 0) expect.unreachable(`${name} ${at}`);
      }
    }
  });

  it('is mended, refused or shorter by its last group after two bytes have changed', async () => {
    const random = prng(31);
    const lastBytes = 2 * groupBytes([encodeLogRecord(stableCheckpoint(2))]);
    const shorter = bytesOf(
      (await open(withFile(fourth, good.get(fourth)!.slice(0, -lastBytes)), null)).records,
    );
    expect(shorter).not.toBe(remembered);
    const outcomes = { mended: 0, refused: 0, shorter: 0 };
    for (let runs = 0; runs < 3000 / sampling; runs++) {
      const name = random.pick([...good.keys()]);
      const bytes = good.get(name)!;
      // Often the same place of both copies of the same group.
      const first = random.below(bytes.length);
      const other = random.chance(1, 2) ? first + random.between(140, 420) : random.below(bytes.length);
      const files = withFile(name, flip(flip(bytes, first, 4), other % bytes.length, 8));
      const opened = await open(files, null).catch((error: unknown) => error as InvalidInputError);
      if (opened instanceof Error) {
        expect(opened).toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
        outcomes.refused++;
        continue;
      }
      const found = bytesOf(opened.records);
      if (found !== remembered && found !== shorter) expect.unreachable(`${name} ${first} ${other}`);
      outcomes[found === remembered ? 'mended' : 'shorter']++;
      if (found === shorter) await refusal(files);
    }
    expect(outcomes.mended).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(5);
    if (sampling === 1) expect(outcomes.shorter).toBeGreaterThan(5);
  });

  it('is cut where a crash has torn its last group, and refused if that had been told', async () => {
    const bytes = good.get(fourth)!;
    const lengths = new Set<number>();
    for (let end = bytes.length - 1; end > 2 * segmentHeaderBytes + 700; end -= sampling) {
      const torn = withFile(fourth, bytes.slice(0, end));
      const opened = await open(torn, null);
      const found = bytesOf(opened.records);
      const after = place.contents();
      lengths.add(opened.records.length);
      const events = opened.events.map(({ event }) => event);
      if (found === remembered) expect(events).toEqual(['vote-log-repaired']);
      else await refusal(torn);
      // Once more: nothing is left to be done.
      expect((await open(after, null)).events).toEqual([]);
    }
    if (sampling === 1) expect(lengths.size).toBeGreaterThan(1);
    // A segment gets its name when its first group is durable: that one cannot be torn.
    for (let end = 2 * segmentHeaderBytes; end < 2 * segmentHeaderBytes + groupBytes([]); end += 50) {
      const error = await refusal(withFile(fourth, bytes.slice(0, end)), null);
      expect(error.message).toMatch(end === 2 * segmentHeaderBytes ? 'its first group' : 'both copies');
    }
  });

  it('is refused if any other file has been cut', async () => {
    for (const name of [second, third]) {
      const bytes = good.get(name)!;
      for (let end = 0; end < bytes.length; end += 7 * sampling) {
        try {
          const opened = await open(withFile(name, bytes.slice(0, end)));
          expect(bytesOf(opened.records)).toBe(remembered);
          expect(opened.events).toMatchObject([{ event: 'vote-log-repaired' }]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
        }
      }
    }
    const atGroup = good.get(third)!.slice(0, -2 * groupBytes(lastRecords.map(encodeLogRecord)));
    expect((await refusal(withFile(third, atGroup), null)).message).toContain('before the next segment');
    expect(await refusal(withFile(third, new Uint8Array(0)))).toMatchObject({ fields: { offset: 0 } });
  });

  it('is mended if a sector has been lost in one copy, and refused if in both', async () => {
    const bytes = good.get(third)!;
    for (let at = 0; at + 64 <= bytes.length; at += 16 * sampling) {
      const lost = withFile(
        third,
        changed(bytes, (copy) => copy.fill(0, at, at + 64)),
      );
      try {
        expect(bytesOf((await open(lost)).records)).toBe(remembered);
      } catch (error) {
        expect(error).toMatchObject({ code: 'VOTE_LOG_DAMAGED' });
      }
    }
    await refusal(
      withFile(
        third,
        changed(bytes, (copy) => copy.fill(0, 2 * segmentHeaderBytes)),
      ),
      null,
    );
  });

  it('is refused with the file, the place, the record and what to do', async () => {
    const bytes = good.get(third)!;
    const ruined = changed(bytes, (copy) => copy.fill(0xee, 1000, 2000));
    const error = await refusal(withFile(third, ruined));
    expect(error.message).toMatch(
      /votes.0000000003\.votes, offset \d+, record \d+: both copies of a group of records are damaged or missing, and later ones follow at offset \d+\. Start with --repair: .* votes\.damaged-/,
    );
  });

  it('is refused if a segment is missing, unless it is one of no use', async () => {
    for (const name of [second, third]) {
      const files = new Map(good);
      files.delete(name);
      expect((await refusal(files)).message).toContain(`${name}, offset 0`);
    }
    const withoutLast = new Map(good);
    withoutLast.delete(fourth);
    expect((await refusal(withoutLast)).message).toContain('the saved state knows of group');
    expect((await refusal(new Map())).message).toContain('it ends with group 0');
  });

  it('is refused if its segments have changed places, or are of another log', async () => {
    const swapped = withFile(third, good.get(second)!).set(second, good.get(third)!);
    expect((await refusal(swapped)).message).toContain('by its header');
    const other = makePlace();
    const user = other.open({}, null);
    await user.store(started);
    await user.close();
    const foreign = other.contents().get(nameOf(1))!;
    other.remove();
    await refusal(new Map(good).set(nameOf(5), foreign));
    await refusal(new Map(good).set(nameOf(1), new TextEncoder().encode('not a segment')));
  });

  it('is refused if parts of two histories have been put together', async () => {
    const other = makePlace();
    await makeLog(other, 2);
    const files = other.contents();
    other.remove();
    const [ours, theirs] = [good.get(third)!, files.get(third)!];
    expect(theirs.length).toBe(ours.length);
    expect((await refusal(withFile(third, theirs), null)).message).toContain('does not follow');
    const middle = Math.floor(ours.length / 2);
    const mixed = changed(ours, (copy) => copy.set(theirs.subarray(middle), middle));
    expect((await refusal(withFile(third, mixed), null)).message).toContain('both copies');
  });

  it('is refused if it has been put back to an earlier time', async () => {
    place.fill(good);
    const user = place.open(settings);
    await user.store(prepared(15));
    await user.close();
    const later = user.opened.log.position;
    expect((await refusal(good, later)).message).toContain('the saved state knows of group');
    // The same, and another history since.
    place.fill(good);
    const branch = place.open(settings);
    await branch.store(prepared(16));
    await branch.close();
    expect((await refusal(place.contents(), later)).message).toContain('is not the one');
  });

  it('is refused, with another remedy, if a later release has written it', async () => {
    const bytes = Buffer.from(good.get(fourth)!);
    const header = parseSegmentHeader(bytes.subarray(0, segmentHeaderBytes));
    if (header === null || header === 'version') throw new Error('no header');
    const newer = encodeSegmentHeader(header, 2);
    bytes.set(newer, 0);
    bytes.set(newer, segmentHeaderBytes);
    expect((await refusal(withFile(fourth, Uint8Array.from(bytes)))).message).toContain(
      'Start it with the release',
    );
  });

  it('leaves other files alone, and removes an unfinished segment', async () => {
    const files = new Map(good)
      .set('notes.txt', new Uint8Array(3))
      .set(`${nameOf(5)}.new`, new Uint8Array(9));
    expect(bytesOf((await open(files)).records)).toBe(remembered);
    expect([...place.contents().keys()]).toEqual([second, third, fourth, 'notes.txt']);
  });

  it('removes segments of no use that a crash has left', async () => {
    place.fill(good);
    const user = place.open(settings);
    user.opened.log.truncate(13);
    await user.store(prepared(14));
    await user.close();
    expect([...place.contents().keys()]).toEqual([fourth]);
    const files = new Map(place.contents()).set(second, good.get(second)!);
    expect((await open(files)).events).toEqual([]);
    expect([...place.contents().keys()]).toEqual([fourth]);
  });
});

describe('a disk that refuses', () => {
  it('ends the log at the first failure of any write, once, with all that was told', async () => {
    for (let failing = 0; failing < 25; failing++) {
      const place = new SimulatedPlace();
      for (let i = 0; i < failing; i++) place.files.writeFaults.push(null);
      place.files.writeFaults.push({ kind: 'error', code: 'EIO' });
      const user = place.open({ segmentBytesMax: 2000 });
      for (let number = 1; number <= 20; number++) {
        user.put(prePrepared(number));
        place.idle();
      }
      expect(user.failures).toHaveLength(1);
      expect(user.failures[0]).toBeInstanceOf(TheodoraError);
      expect(user.failures[0]).toMatchObject({ code: 'VOTE_LOG_FAILED', fields: { reason: 'EIO' } });
      const told = user.stored;
      await user.close();
      expect(user.stored).toBe(told);
      const found = await new SimulatedPlace(place.simulator, place.files).remembered();
      expect(found.length).toBeGreaterThanOrEqual(told);
      expect(bytesOf(found)).toBe(bytesOf(user.appended.slice(0, found.length)));
    }
  });

  it('ends the log if a file cannot be made or removed', async () => {
    const place = new SimulatedPlace();
    const user = place.open({ segmentBytesMax: 1000 });
    await user.store(prePrepared(1), prePrepared(2), prePrepared(3));
    place.files.nameFault = 'EROFS';
    user.put(prePrepared(4));
    await user.untilFailed();
    expect(user.failures).toMatchObject([{ code: 'VOTE_LOG_FAILED', fields: { reason: 'EROFS' } }]);
    await user.close();
  });

  it('says so when it is full', async () => {
    const place = new SimulatedPlace();
    const user = place.open();
    place.files.capacityBytes = 3000;
    for (let number = 1; number <= 20; number++) {
      user.put(prePrepared(number));
      place.idle();
    }
    expect(user.failures).toHaveLength(1);
    expect(String(user.failures[0])).toContain('the disk is full. Make room, then start the replica again');
    expect(place.files.usedBytes()).toBe(3000);
    const told = user.stored;
    place.files.capacityBytes = 1e6;
    const found = await new SimulatedPlace(place.simulator, place.files).remembered();
    expect(bytesOf(found.slice(0, told))).toBe(bytesOf(user.appended.slice(0, told)));
  });

  it('and lies is found out, if anything was written since', async () => {
    for (const fault of [{ kind: 'lost' }, { kind: 'misdirected', position: 300 }] as const) {
      const place = new SimulatedPlace();
      place.files.writeFaults.push(null, null, null, fault);
      const user = place.open();
      for (let number = 1; number <= 5; number++) await user.store(prePrepared(number));
      await user.close();
      const later = new SimulatedPlace(place.simulator, place.files);
      expect(() => later.open({}, user.opened.log.position)).toThrow(/both copies|knows of/);
    }
  });

  it('ends the log when its directory has gone', async () => {
    const place = new RealPlace();
    const user = place.open();
    rmSync(place.files.directory, { recursive: true });
    user.put(prePrepared(1));
    await user.untilFailed();
    expect(user.failures).toMatchObject([{ code: 'VOTE_LOG_FAILED', fields: { reason: 'ENOENT' } }]);
    await user.close();
    place.remove();
  });
});
