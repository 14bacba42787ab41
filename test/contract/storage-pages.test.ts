/** The page store on real files: what was saved last comes back, whatever happens to the process or to a byte. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prng, type Prng } from '../../src/base/index.js';
import { sha256 } from '../../src/crypto/index.js';
import {
  load as loadDatabase,
  openPages,
  pagesDirectoryName,
} from '../../src/replica/storage/page-loader.js';
import { encodeMeta, encodePageKey, metaKey } from '../../src/replica/storage/page-format.js';
import { databaseOptions, PageStore, type PageDatabase } from '../../src/replica/storage/page-store.js';
import { expected, StateMaker, stateOf } from '../support/saved-states.js';

fc.configureGlobal({ seed: 20265 });

let directory: string;
let pages: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'theodora-pages-'));
  pages = join(directory, pagesDirectoryName);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const position = Uint8Array.of(7, 8, 9);
const damagedNames = (): string[] => readdirSync(directory).filter((name) => name.includes('damaged'));

function randomBytes(random: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

function sizeOf(path: string): number {
  return readdirSync(path).reduce((sum, name) => {
    // It may have been removed since.
    return sum + (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

/** Opens, and closes again. */
async function load(at = directory): Promise<Omit<Awaited<ReturnType<typeof openPages>>, 'store'>> {
  const { store, ...found } = await openPages(at, true);
  await store.close();
  return found;
}

async function saveAll(maker: StateMaker, ...steps: readonly (() => void)[]): Promise<void> {
  const { store } = await openPages(directory, true);
  for (const step of steps) {
    step();
    expect(await store.save(maker.next(), () => position)).toBe(true);
  }
  await store.close();
}

async function withDatabase<T>(use: (database: PageDatabase) => Promise<T>): Promise<T> {
  const database: PageDatabase = new ClassicLevel(pages, databaseOptions);
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

describe('the page store', () => {
  it('is empty at first', async () => {
    expect(await load()).toEqual({ state: null, position: null, events: [] });
    expect(await load()).toEqual({ state: null, position: null, events: [] });
  });

  it('gives back the state that was saved last, over many lives', async () => {
    const page = fc.oneof(fc.nat(5), fc.integer({ min: 250, max: 260 }), fc.constantFrom(100_000, 2 ** 40));
    const change = fc.record({
      section: fc.constantFrom('ordering' as const, 'application' as const),
      page,
      bytes: fc.option(fc.uint8Array({ maxLength: 40 })),
    });
    const step = fc.record({ changes: fc.array(change, { maxLength: 6 }), isReopened: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const at = mkdtempSync(join(directory, 'life-'));
        let opened = await openPages(at, true);
        const maker = new StateMaker();
        for (const { changes, isReopened } of steps) {
          for (const { section, page, bytes } of changes) {
            if (bytes === null) maker[section].remove(page);
            else maker[section].put(page, bytes);
          }
          const state = maker.next();
          expect(await opened.store.save(state, () => position)).toBe(true);
          if (!isReopened) continue;
          await opened.store.close();
          opened = await openPages(at, true);
          expect(opened).toMatchObject({ position, events: [] });
          expect(opened.state).toStrictEqual(expected(state));
        }
        await opened.store.close();
      }),
      { numRuns: 30 },
    );
  });

  it('goes on from a state that it has loaded, and from one that has nothing to do with it', async () => {
    const maker = new StateMaker();
    await saveAll(maker, () => {
      for (let i = 0; i < 600; i++) maker.application.put(i, Uint8Array.of(i & 255));
    });
    const other = new StateMaker();
    other.application.put(3, Uint8Array.of(1));
    const state = other.next();
    const { store } = await openPages(directory, true);
    await store.save(state, () => position);
    await store.close();
    expect((await load()).state).toStrictEqual(expected(state));
  });

  it('writes nothing twice that a restarted core took over unchanged', async () => {
    const maker = new StateMaker();
    await saveAll(maker, () => {
      for (let i = 0; i < 600; i++) maker.application.put(i, Uint8Array.of(i & 255));
    });
    const { store, state } = await openPages(directory, true);
    const restored = new StateMaker();
    restored.ordering.reset(state!.ordering);
    restored.application.reset(state!.application);
    restored.application.put(5, Uint8Array.of(1));
    await store.save(restored.next(), () => position);
    await store.close();
    const written = await withDatabase((database) =>
      database.keys({ gte: encodePageKey({ section: 1, page: 0, generation: 0 }) }).all(),
    );
    expect(written.filter((key) => key[16] === 2)).toHaveLength(1);
  });

  it('keeps the old state if it is closed during a save', async () => {
    const maker = new StateMaker();
    await saveAll(maker, () => maker.application.put(1, Uint8Array.of(1)));
    const before = (await load()).state;
    for (let i = 0; i < 2_000; i++) maker.application.put(i, Uint8Array.of(2));
    const { store } = await openPages(directory, true);
    const saving = store.save(maker.next(), () => position);
    await store.close();
    expect(await saving).toBe(false);
    expect((await load()).state).toStrictEqual(before);
  });

  it('stays bounded however often pages are overwritten', async () => {
    const random = prng(1);
    const pool = randomBytes(random, 1 << 20);
    const maker = new StateMaker();
    const { store } = await openPages(directory, true);
    const sizesBytes: number[] = [];
    for (let round = 1; round <= 800; round++) {
      for (let i = 0; i < 64; i++) {
        const from = random.below(pool.length - 2_000);
        maker.application.put(random.below(128), pool.slice(from, from + 2_000));
      }
      await store.save(maker.next(), () => position);
      if (round % 100 === 0) sizesBytes.push(sizeOf(pages));
    }
    await store.close();
    // 256 kB of state, of which 100 MB have been written.
    expect(Math.max(...sizesBytes)).toBeLessThan(40_000_000);
    expect(sizesBytes[7]! - sizesBytes[3]!).toBeLessThan(10_000_000);
  });

  it('is open to one process at a time', async () => {
    const { store } = await openPages(directory, true);
    await expect(openPages(directory, true)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
    await store.close();
    expect(damagedNames()).toEqual([]);
    await load();
  });
});

describe('a crash at any write', () => {
  type Put = { type: 'put'; key: Uint8Array; value: Uint8Array };

  it('leaves the old state, and the next save what it should', async () => {
    const maker = new StateMaker();
    await saveAll(maker, () => {
      for (let i = 0; i < 700; i++) maker.application.put(i, Uint8Array.of(1));
    });
    const old = (await load()).state;
    for (let i = 100; i < 900; i++) maker.application.put(i, Uint8Array.of(2));
    for (let i = 0; i < 50; i++) maker.application.remove(i);
    maker.ordering.put(0, Uint8Array.of(3));
    const next = maker.next();
    const image = join(directory, 'image');
    let crashes = 0;
    for (let writesLeft = 0; ; writesLeft++) {
      const at = `${image}-${writesLeft}`;
      cpSync(pages, join(at, pagesDirectoryName), { recursive: true });
      if (await saveWithFuse(at, next, writesLeft)) {
        expect((await load(at)).state).toStrictEqual(expected(next));
        break;
      }
      crashes++;
      const opened = await openPages(at, true);
      expect([opened.state, opened.events]).toStrictEqual([old, []]);
      // What the crash left behind must not show up under the generation that now follows.
      maker.ordering.put(0, Uint8Array.of(writesLeft));
      const later = maker.next();
      expect(await opened.store.save(later, () => position)).toBe(true);
      await opened.store.close();
      expect((await load(at)).state).toStrictEqual(expected(later));
    }
    expect(crashes).toBeGreaterThan(3);
  });

  /** Fails the write after so many; whether it came to an end. */
  async function saveWithFuse(
    at: string,
    state: ReturnType<StateMaker['next']>,
    writes: number,
  ): Promise<boolean> {
    let left = writes;
    const burn = <T>(write: () => Promise<T>): Promise<T> =>
      left-- > 0 ? write() : Promise.reject(new Error('crash'));
    const path = join(at, pagesDirectoryName);
    const database: PageDatabase = new ClassicLevel(path, databaseOptions);
    const { stored } = await loadDatabase(database, path);
    const batchOf = database.batch.bind(database);
    const fused = (operations?: Put[]): unknown => {
      if (operations !== undefined) return burn(() => batchOf(operations));
      const flip = batchOf();
      const write = flip.write.bind(flip);
      return Object.assign(flip, { write: () => burn(() => write()) });
    };
    const store = new PageStore(Object.assign(database, { batch: fused }) as PageDatabase, stored, true);
    const isSaved = await store.save(state, () => position).catch(() => false);
    await store.close();
    return isSaved;
  }
});

describe('damage', () => {
  async function expectPutAside(damage: RegExp): Promise<void> {
    const { state, events } = await load();
    expect(state).toBeNull();
    expect(events).toEqual([{ event: 'pages-damaged', fields: expect.anything() }]);
    const { damage: said, keptAs } = events[0]!.fields;
    expect(String(said)).toMatch(damage);
    expect(existsSync(String(keptAs))).toBe(true);
    expect((await load()).events).toEqual([]);
  }

  beforeEach(() => {
    const maker = new StateMaker();
    return saveAll(maker, () => {
      for (let i = 0; i < 10; i++) maker.application.put(i, Uint8Array.of(i));
    });
  });

  const key = (page: number, generation = 1): Uint8Array => encodePageKey({ section: 1, page, generation });

  it.each<[string, RegExp, (database: PageDatabase) => Promise<void>]>([
    ['a changed page', /not the certified/, (database) => database.put(key(3), Uint8Array.of(0))],
    ['a lost page', /not the certified/, (database) => database.del(key(3))],
    ['a page too many', /not the certified/, (database) => database.put(key(11), Uint8Array.of(0))],
    ['a page that is there twice', /twice/, (database) => database.put(key(3, 0), Uint8Array.of(0))],
    ['a foreign key', /none of ours/, (database) => database.put(Uint8Array.of(1, 2), Uint8Array.of(0))],
    [
      'a changed meta record',
      /meta record is damaged/,
      (database) => database.put(metaKey, new Uint8Array(90)),
    ],
    ['a short meta record', /meta record is damaged/, (database) => database.put(metaKey, new Uint8Array(3))],
    ['an older meta record', /meta record is lost/, (database) => database.put(key(20, 3), Uint8Array.of(0))],
  ])('%s is seen, and the directory put aside', async (_name, damage, change) => {
    await withDatabase(change);
    await expectPutAside(damage);
  });

  it('a file that LevelDB needs', async () => {
    const manifest = readdirSync(pages).find((name) => name.startsWith('MANIFEST'))!;
    writeFileSync(join(pages, manifest), new Uint8Array(100));
    await expectPutAside(/./);
    writeFileSync(join(pages, 'CURRENT'), 'nothing\n');
    await expectPutAside(/./);
    expect(damagedNames().sort()).toEqual(['pages.damaged-1', 'pages.damaged-2']);
  });

  it('is not what another release has written', async () => {
    const meta = encodeMeta({ generation: 1, certificate: new StateMaker().next().certificate, position });
    meta[0] = 2;
    meta.set(Buffer.from(sha256(meta.subarray(0, -32)), 'hex'), meta.length - 32);
    await withDatabase((database) => database.put(metaKey, meta));
    await expect(load()).rejects.toMatchObject({ code: 'STORAGE_VERSION_UNKNOWN', fields: { version: 2 } });
    expect(damagedNames()).toEqual([]);
  });
});

describe('a flipped byte', () => {
  it('in any file never gives a state that was not saved', async () => {
    const random = prng(7);
    const maker = new StateMaker();
    const states: unknown[] = [null];
    const { store } = await openPages(directory, true);
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 40; i++) {
        maker.application.put(random.below(60), randomBytes(random, 100 + random.below(100)));
        maker.ordering.put(random.below(5), randomBytes(random, 20));
      }
      const state = maker.next();
      await store.save(state, () => position);
      states.push(expected(state));
    }
    await store.close();
    // Into table files, as time would do.
    await withDatabase((database) => database.compactRange(Uint8Array.of(0), Uint8Array.of(255)));
    await saveAll(maker, () => {
      for (let i = 0; i < 20; i++) maker.application.put(i, randomBytes(random, 100));
      states.push(expected(stateOf(13 * 128, maker.ordering.snapshot(), maker.application.snapshot())));
    });
    const files = readdirSync(pages).filter((name) => statSync(join(pages, name)).size > 0);
    const outcomes = { right: 0, older: 0, none: 0 };
    for (let sample = 0; sample < 240; sample++) {
      const at = join(directory, `sample-${sample}`);
      cpSync(pages, join(at, pagesDirectoryName), { recursive: true });
      const file = join(at, pagesDirectoryName, files[sample % files.length]!);
      const bytes = readFileSync(file);
      const offset = random.below(bytes.length);
      bytes[offset] = bytes[offset]! ^ (1 << random.below(8));
      writeFileSync(file, bytes);
      const { state, events } = await load(at);
      const known = states.findIndex((each) => isDeepStrictEqual(each, state));
      expect(known, `${file} ${offset}`).toBeGreaterThanOrEqual(0);
      if (state === null) outcomes.none++;
      else if (known === states.length - 1) outcomes.right++;
      else outcomes.older++;
      if (events.length > 0) expect(state).toBeNull();
      rmSync(at, { recursive: true, force: true });
    }
    expect(outcomes.right).toBeGreaterThan(0);
    expect(outcomes.none).toBeGreaterThan(0);
  });
});
