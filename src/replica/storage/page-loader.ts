/**
 * Opens the page store. What it finds is believed only if it has the digest that the stored certificate names; whether
 * that certificate holds is the ordering layer's to judge. Whatever cannot be opened, read or believed is put aside as a
 * whole, and the store is empty then: other replicas have the state too.
 */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { InvalidInputError, PageTree, TheodoraError } from '../../base/index.js';
import { sha256 } from '../../crypto/index.js';
import { stateDigestOf, type SavedState } from '../../ordering/index.js';
import { inUse, levelFailure, unusable } from './directory-lock.js';
import {
  decodeMeta,
  decodePageKey,
  isMetaKey,
  metaKey,
  pageFormatVersion,
  plainBytes,
  type Meta,
} from './page-format.js';
import {
  databaseOptions,
  PageStore,
  type PageDatabase,
  type PageIndex,
  type StoredPages,
} from './page-store.js';
import { putAside } from './put-aside.js';
import { damagedTable } from './table-check.js';
import type { StorageEvent } from './vote-log-recovery.js';

export const pagesDirectoryName = 'pages';

export interface OpenedPages {
  readonly store: PageStore;
  readonly state: SavedState | null;
  /** Where the vote log ended when the state was saved; null without a state, or if that log is given up. */
  readonly position: Uint8Array | null;
  readonly events: readonly StorageEvent[];
}

/** Why the directory has to be put aside. */
class Damage extends Error {}

/** What the file system refuses says nothing about the pages. */
const refusedByTheSystem = /no space left|too many open files|permission denied|read-only file system/i;

async function openDatabase(path: string): Promise<PageDatabase> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const table = await damagedTable(path);
    if (table !== null) throw new Damage(`${table} is damaged`);
    const database: PageDatabase = new ClassicLevel(path, databaseOptions);
    await database.open();
    return database;
  } catch (error) {
    if (error instanceof Damage) throw error;
    const { code, text } = levelFailure(error);
    if (code === 'LEVEL_LOCKED') throw inUse(path, error);
    if (code.startsWith('LEVEL_') && !refusedByTheSystem.test(text)) throw new Damage(text, { cause: error });
    throw unusable(path, text, error);
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

async function readMeta(database: PageDatabase, path: string): Promise<Meta | null> {
  const bytes = await database.get(metaKey);
  if (bytes === undefined) return null;
  const meta = decodeMeta(plainBytes(bytes));
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
  const bytes = plainBytes(value);
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
    if (error instanceof Damage) return error;
    if (error instanceof TheodoraError) throw error;
    // What LevelDB finds only while it reads.
    const { code, text } = levelFailure(error);
    if (code.startsWith('LEVEL_')) return new Damage(text, { cause: error });
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
  throw unusable(path, fresh.message, fresh);
}

function openedPages(
  { database, loaded: { stored, meta, state } }: OpenedDatabase,
  isSync: boolean,
  events: readonly StorageEvent[],
): OpenedPages {
  const store = new PageStore(database, stored, isSync);
  const position = meta?.position;
  return { store, state, position: position !== undefined && position.length > 0 ? position : null, events };
}
