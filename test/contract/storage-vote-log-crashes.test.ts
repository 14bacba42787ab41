/**
 * A vote log whose process or machine ends at any moment: what was told as stored is there in the next life, in its
 * order, and nothing that was never appended.
 */
import { describe, expect, it } from 'vitest';
import { prng, type Prng } from '../../src/base/index.js';
import type { LogRecord } from '../../src/codec/index.js';
import { StandingRecords } from '../../src/replica/storage/standing-records.js';
import { randomCrash, type CrashChoice, type SimulatedDisk } from '../../src/sim/disk.js';
import type { LogUser } from '../support/vote-logs.js';
import {
  bytesOf,
  executed,
  newView,
  prepared,
  prePrepared,
  SimulatedPlace,
  stableCheckpoint,
  started,
  viewChange,
} from '../support/vote-logs.js';

const small = { segmentBytesMax: 2500, segmentBytesWorthwhile: 1500 };

/** What a log that holds just these records gives back, without slot records up to `truncated`. */
function rememberedOf(records: readonly LogRecord[], truncated: number): string {
  const standing = new StandingRecords();
  const slots = records.filter((record) => {
    const slot = standing.take(record);
    return slot !== null && slot.sequenceNumber > truncated;
  });
  return bytesOf([...standing.all(), ...slots]);
}

/** Everything that a later life may find. */
class Allowed {
  /** All that were appended in any life and not found missing since. */
  appended: LogRecord[] = [];
  stored = 0;
  readonly #truncations = [0];

  truncated(number: number): void {
    this.#truncations.push(number);
  }

  /** How many records are there; fails if this is nothing that may be found. */
  check(found: readonly LogRecord[]): number {
    const bytes = bytesOf(found);
    for (let count = this.appended.length; count >= this.stored; count--) {
      const records = this.appended.slice(0, count);
      if (this.#truncations.some((truncated) => rememberedOf(records, truncated) === bytes)) return count;
    }
    return expect.unreachable(`${this.stored} of ${this.appended.length} stored; found ${found.length}`);
  }
}

const keeps = (from: number, to: number, isNamed: boolean): CrashChoice => ({
  written: (length) => [Math.min(from, length), Math.min(to, length)],
  isNamed: () => isNamed,
});

/** The longest write that is not durable. */
function pendingBytes(disk: SimulatedDisk): number {
  let most = 0;
  const written = (length: number) => [0, (most = Math.max(most, length))] as const;
  disk.afterPowerCut({ written, isNamed: () => true });
  return most;
}

function openAt(place: SimulatedPlace, files: SimulatedDisk, position: Uint8Array | null): LogUser {
  return new SimulatedPlace(place.simulator, files).open(small, position);
}

describe('a vote log whose machine ends', () => {
  it('after any byte of any write keeps what it has told', () => {
    const place = new SimulatedPlace();
    const user = place.open(small);
    const allowed = new Allowed();
    const script: (() => void)[] = [
      () => user.put(started),
      () => user.put(prePrepared(1), prepared(1), viewChange(1)),
      () => user.put(newView(1)),
      () => user.put(prePrepared(2, 200), prepared(2)),
      () => user.put(prePrepared(3, 100), executed(2)),
      () => {
        user.opened.log.truncate(2);
        allowed.truncated(2);
        user.put(stableCheckpoint(2));
      },
      () => user.put(prepared(4)),
      () => {
        user.opened.log.truncate(4);
        allowed.truncated(4);
        user.put(prepared(5));
      },
    ];
    let crashes = 0;
    do {
      if (user.stored === user.appended.length) script.shift()?.();
      allowed.appended = user.appended;
      allowed.stored = user.stored;
      const { position } = user.opened.log;
      const most = pendingBytes(place.files);
      for (let kept = 0; kept <= most; kept++) {
        // The beginning of what was being written, or its end alone.
        for (const choice of [keeps(0, kept, kept % 2 === 0), keeps(kept, most, true)]) {
          const opened = openAt(place, place.files.afterPowerCut(choice), position).opened;
          allowed.check(opened.records);
          crashes++;
        }
      }
    } while (place.step() || script.length > 0);
    expect(user.stored).toBe(user.appended.length);
    expect(crashes).toBeGreaterThan(5000);
    expect(place.files.list().length).toBeLessThan(4);
  });

  it('after its process was killed, still knows what it has found then', () => {
    const place = new SimulatedPlace();
    const user = place.open({ ...small, isDurable: false });
    user.put(started, prePrepared(1));
    place.idle();
    user.put(prePrepared(2));
    place.step();
    for (const kept of [0, 100, 1000, 10_000]) {
      const killed = place.files.afterKill(keeps(0, kept, true));
      const found = openAt(place, killed, null).opened.records;
      expect(found.length).toBeGreaterThanOrEqual(2);
      const cut = killed.afterPowerCut(keeps(0, 0, false));
      expect(bytesOf(openAt(place, cut, null).opened.records)).toBe(bytesOf(found));
    }
  });

  it('may lose everything if it was told without a sync', () => {
    const place = new SimulatedPlace();
    const user = place.open({ isDurable: false });
    user.put(started);
    place.idle();
    expect(user.stored).toBe(1);
    const cut = place.files.afterPowerCut(keeps(0, 0, false));
    expect(openAt(place, cut, null).opened.isNew).toBe(true);
    expect(() => openAt(place, cut, user.opened.log.position)).toThrow('the saved state knows of group 2');
  });
});

interface Life {
  place: SimulatedPlace;
  user: LogUser;
}

function act(random: Prng, { user }: Life, allowed: Allowed, next: { number: number }): void {
  const number = ++next.number;
  const record = random.pick([prePrepared(number, random.below(300)), prepared(number), executed(number)]);
  const standing = random.pick([started, viewChange(number), newView(number), stableCheckpoint(number)]);
  const chosen = random.chance(1, 6) ? standing : record;
  if (random.chance(1, 5)) user.putLazily(chosen);
  else user.put(chosen);
  allowed.appended.push(chosen);
  if (random.chance(1, 8)) {
    const truncated = number - random.below(6);
    user.opened.log.truncate(truncated);
    allowed.truncated(truncated);
  }
}

describe('many lives of a vote log', () => {
  it.each([1, 2, 3, 4, 5, 6])('seed %i: each ends at some moment, and the next goes on', (seed) => {
    const random = prng(seed);
    const allowed = new Allowed();
    const next = { number: 0 };
    const place = new SimulatedPlace();
    let life: Life = { place, user: place.open(small) };
    for (let lives = 0; lives < 60; lives++) {
      const before = allowed.appended.length;
      for (let steps = random.below(60); steps > 0; steps--) {
        if (random.chance(1, 3)) act(random, life, allowed, next);
        else life.place.step();
        allowed.stored = Math.max(allowed.stored, before + life.user.stored * Math.sign(life.user.stored));
      }
      const { position } = life.user.opened.log;
      const { files, simulator } = life.place;
      files.abandon();
      const choice = randomCrash(random);
      const after = random.chance(1, 2) ? files.afterKill(choice) : files.afterPowerCut(choice);
      const later = new SimulatedPlace(simulator, after);
      life = { place: later, user: later.open(small, position) };
      const count = allowed.check(life.user.opened.records);
      allowed.appended.length = count;
      allowed.stored = count;
    }
    expect(next.number).toBeGreaterThan(200);
  });
});
