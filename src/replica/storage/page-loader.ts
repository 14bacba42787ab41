/**
 * Opens the page store. What it finds is believed only if it has the digest that the stored certificate names; whether
 * that certificate holds is the ordering layer's to judge. Whatever cannot be opened, read or believed is put aside as a
 * whole, and the store is empty then: other replicas have the state too. The database's own lock keeps a second process
 * out of the data directory.
 */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { InvalidInputError, PageTree, TheodoraError } from '../../base/index.js';
import { sha256 } from '../../crypto/index.js';
import { stateDigestOf, type SavedState } from '../../ordering/index.js';
import type { StorageEvent } from './events.js';
import {
  decodeMeta,
  decodePageKey,
  isMetaKey,
  metaKey,
  pageFormatVersion,
  type Meta,
} from './page-format.js';
import { PageStore, type PageDatabase, type PageIndex, type StoredPages } from './page-store.js';
import { putAside } from './put-aside.js';

export const pagesDirectoryName = 'pages';

export interface OpenedPages {
  readonly store: PageStore;
  readonly state: SavedState | null;
  /** Where the vote log ended when the state was saved; null without a state. */
  readonly position: Uint8Array | null;
  readonly events: readonly StorageEvent[];
}

/** Why the directory has to be put aside. */
class Damage extends Error {}

const databaseOptions = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  // Pages are read once, from the first to the last.
  cacheSize: 1 << 20,
} as const;

/** What the file system refuses says nothing about the pages. */
const refusedByTheSystem = /no space left|too many open files|permission denied|read-only file system/i;

interface Caused {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: Caused;
}

async function openDatabase(path: string): Promise<PageDatabase> {
  const database: PageDatabase = new ClassicLevel(path, databaseOptions);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    await database.open();
    return database;
  } catch (error) {
    const { code, message } = (error as Caused).cause ?? (error as Caused);
    const why = String(message);
    if (code === 'LEVEL_LOCKED') {
      throw new InvalidInputError(
        'DATA_DIRECTORY_IN_USE',
        `${path}: another process runs a replica with this data directory. Stop it, or is this one running already?`,
        { path },
        error,
      );
    }
    const isOfLevel = typeof code === 'string' && code.startsWith('LEVEL_');
    if (isOfLevel && !refusedByTheSystem.test(why)) throw new Damage(why, { cause: error });
    throw new TheodoraError(
      'STORAGE_UNUSABLE',
      `${path}: cannot be used (${why}). Give this user the right to it and the disk some space.`,
      { path },
      error,
    );
  }
}

interface ReadPages {
  readonly trees: readonly [PageTree, PageTree];
  readonly indexes: readonly [PageIndex, PageIndex];
  /** Keys of a save that was not finished. */
  readonly unfinished: Uint8Array[];
}

const entriesPerSlice = 256;
const readAheadBytes = 1 << 20;

/** Not Node's Buffer, of which `slice` means something else. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

async function readMeta(database: PageDatabase, path: string): Promise<Meta | null> {
  const bytes = await database.get(metaKey);
  if (bytes === undefined) return null;
  const meta = decodeMeta(plain(bytes));
  if (meta === 'damaged') throw new Damage('its meta record is damaged');
  if (typeof meta !== 'number') return meta;
  throw new InvalidInputError(
    'STORAGE_VERSION_UNKNOWN',
    `${path}: written in format ${meta}, this release reads ${pageFormatVersion}. Use the release that wrote it.`,
    { path, version: meta },
  );
}

async function readPages(database: PageDatabase, generation: number): Promise<ReadPages> {
  const read: ReadPages = {
    trees: [new PageTree(sha256), new PageTree(sha256)],
    indexes: [new Map(), new Map()],
    unfinished: [],
  };
  const iterator = database.iterator({ fillCache: false, highWaterMarkBytes: readAheadBytes });
  try {
    for (;;) {
      const entries = await iterator.nextv(entriesPerSlice);
      if (entries.length === 0) return read;
      for (const [key, value] of entries) if (!isMetaKey(key)) takePage(read, generation, key, value);
    }
  } finally {
    await iterator.close();
  }
}

function takePage(read: ReadPages, counting: number, keyBytes: Uint8Array, value: Uint8Array): void {
  const key = decodePageKey(keyBytes);
  if (key === null) throw new Damage('it holds a key that is none of ours');
  const { section, page, generation } = key;
  if (generation === counting + 1) {
    read.unfinished.push(keyBytes);
    return;
  }
  if (generation > counting) throw new Damage('its meta record is lost');
  if (read.indexes[section].has(page)) throw new Damage(`page ${page} of section ${section} is there twice`);
  const bytes = plain(value);
  read.indexes[section].set(page, generation);
  read.trees[section].put(page, bytes);
}

async function removeUnfinished(database: PageDatabase, keys: readonly Uint8Array[]): Promise<void> {
  for (let from = 0; from < keys.length; from += entriesPerSlice) {
    const slice = keys.slice(from, from + entriesPerSlice);
    await database.batch(
      slice.map((key) => ({ type: 'del', key })),
      { sync: true },
    );
  }
}

export interface Loaded {
  readonly stored: StoredPages;
  readonly meta: Meta | null;
  readonly state: SavedState | null;
}

/** Reads an open database, and removes what an unfinished save left in it. Rejects with what is wrong with it. */
export async function load(database: PageDatabase, path: string): Promise<Loaded> {
  const meta = await readMeta(database, path);
  const generation = meta?.generation ?? 0;
  const { trees, indexes, unfinished } = await readPages(database, generation);
  const [ordering, application] = [trees[0].snapshot(), trees[1].snapshot()];
  if (meta !== null) {
    const digest = stateDigestOf(sha256, ordering.root, application.root);
    if (digest !== meta.certificate.stateDigest) throw new Damage('its pages are not the certified ones');
  }
  await removeUnfinished(database, unfinished);
  if (meta === null) return { stored: { generation, indexes, state: null }, meta, state: null };
  return {
    // Pages that the core takes over unchanged are the same arrays, and not written again.
    stored: { generation, indexes, state: { ordering, application } },
    meta,
    state: { certificate: meta.certificate, ordering: ordering.pages, application: application.pages },
  };
}

interface OpenedDatabase {
  readonly database: PageDatabase;
  readonly loaded: Loaded;
}

async function tryOpen(path: string): Promise<OpenedDatabase | Damage> {
  let database: PageDatabase | null = null;
  try {
    database = await openDatabase(path);
    return { database, loaded: await load(database, path) };
  } catch (error) {
    await database?.close();
    const code = (error as Caused).code;
    if (error instanceof Damage) return error;
    // What LevelDB finds only while it reads.
    if (typeof code === 'string' && code.startsWith('LEVEL_')) return new Damage((error as Error).message);
    throw error;
  }
}

/**
 * @throws InvalidInputError DATA_DIRECTORY_IN_USE, STORAGE_VERSION_UNKNOWN; TheodoraError STORAGE_UNUSABLE; the file
 * system's errors.
 */
export async function openPages(dataDir: string, isSync: boolean): Promise<OpenedPages> {
  const path = join(dataDir, pagesDirectoryName);
  const opened = await tryOpen(path);
  if (!(opened instanceof Damage)) return openedPages(opened, isSync, []);
  const keptAs = await putAside(path);
  const remedy = 'none needed: the state comes from the other replicas; have the disk looked at';
  const damaged = { event: 'pages-damaged', fields: { path, damage: opened.message, keptAs, remedy } };
  const fresh = await tryOpen(path);
  if (!(fresh instanceof Damage)) return openedPages(fresh, isSync, [damaged]);
  throw new TheodoraError(
    'STORAGE_UNUSABLE',
    `${path}: damaged as soon as it is made (${fresh.message}). Use another disk.`,
    { path },
    fresh,
  );
}

function openedPages(
  { database, loaded: { stored, meta, state } }: OpenedDatabase,
  isSync: boolean,
  events: readonly StorageEvent[],
): OpenedPages {
  const store = new PageStore(database, stored, isSync);
  return { store, state, position: meta?.position ?? null, events };
}
