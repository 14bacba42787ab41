/**
 * The saved state in LevelDB. A save writes the pages that changed since the last one under a generation of its own, in
 * batches small enough to be no burden, and then, in one atomic batch, the meta record that makes this generation count
 * and removes the pages it replaces: a crash leaves the old state or the new one. Every batch of a save is synced, since
 * LevelDB does not sync an older file of its log along with a newer one. What lies under a generation that never came to
 * count is removed at the next opening (page-loader.ts).
 */
import type { ClassicLevel } from 'classic-level';
import { assert, changedPages, emptyBytes } from '../../base/index.js';
import type { StateToSave } from '../../ordering/index.js';
import { levelFailure, unusable } from './directory-lock.js';
import { decodeMeta, encodeMeta, encodePageKey, metaKey, plainBytes } from './page-format.js';

export const databaseOptions = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  // Pages are read once, from the first to the last.
  cacheSize: 1 << 20,
  // table-check.ts reads blocks as they are.
  compression: false,
} as const;

export type PageDatabase = ClassicLevel<Uint8Array, Uint8Array>;

/** The generation of the stored page, by its number. */
export type PageIndex = Map<number, number>;

/** What the database holds. */
export interface StoredPages {
  readonly generation: number;
  readonly indexes: readonly [ordering: PageIndex, application: PageIndex];
  /** As it was saved or loaded, to tell what changes; null: nothing is stored. */
  readonly state: Pick<StateToSave, 'ordering' | 'application'> | null;
}

interface Put {
  readonly type: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const batchBytesMax = 512 << 10;
const batchPagesMax = 256;

export class PageStore {
  readonly #database: PageDatabase;
  readonly #isSync: boolean;
  #stored: StoredPages;
  #saving: Promise<void> = Promise.resolve();
  #isClosing = false;
  #saveBytesMax = 0;

  constructor(database: PageDatabase, stored: StoredPages, isSync: boolean) {
    this.#database = database;
    this.#stored = stored;
    this.#isSync = isSync;
  }

  /** What the largest save of this life has written. */
  get saveBytesMax(): number {
    return this.#saveBytesMax;
  }

  /**
   * Makes this the saved state; one at a time. `position` is asked for when everything else is written. Resolves to
   * false if the store was closed meanwhile: then the old state stays. Rejects with TheodoraError STORAGE_UNUSABLE if a
   * write fails: then nothing more may be saved.
   */
  save(state: StateToSave, position: () => Uint8Array): Promise<boolean> {
    const saved = this.#save(state, position).catch((error: unknown) => {
      throw unusable(this.#database.location, levelFailure(error).text, error);
    });
    this.#saving = saved.then(
      () => undefined,
      () => undefined,
    );
    return saved;
  }

  /** The vote log that the stored state knows of is none any more. Not during a save. */
  async forgetPosition(): Promise<void> {
    const bytes = await this.#database.get(metaKey);
    if (bytes === undefined) return;
    const meta = decodeMeta(plainBytes(bytes));
    assert(typeof meta === 'object', 'the meta record has been read before');
    const value = encodeMeta({ ...meta, position: emptyBytes });
    await this.#database.put(metaKey, value, { sync: this.#isSync });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#saving;
    await this.#database.close();
  }

  async #save(state: StateToSave, position: () => Uint8Array): Promise<boolean> {
    const { indexes, state: before } = this.#stored;
    const generation = this.#stored.generation + 1;
    const flip = this.#database.batch();
    let savedBytes = 0;
    try {
      for (const section of [0, 1] as const) {
        const part = section === 0 ? 'ordering' : 'application';
        const index = indexes[section];
        let batch: Put[] = [];
        let sizeBytes = 0;
        let count = 0;
        for (const [page, bytes] of changedPages(before?.[part] ?? null, state[part])) {
          const old = index.get(page);
          if (old !== undefined) flip.del(encodePageKey({ section, page, generation: old }));
          if (bytes === null) {
            index.delete(page);
          } else {
            batch.push({ type: 'put', key: encodePageKey({ section, page, generation }), value: bytes });
            index.set(page, generation);
            sizeBytes += bytes.length;
            savedBytes += bytes.length;
          }
          if (++count < batchPagesMax && sizeBytes < batchBytesMax) continue;
          await this.#write(batch);
          if (this.#isClosing) return false;
          [batch, sizeBytes, count] = [[], 0, 0];
        }
        await this.#write(batch);
        if (this.#isClosing) return false;
      }
      const { certificate, ordering, application } = state;
      flip.put(metaKey, encodeMeta({ generation, certificate, position: position() }));
      await flip.write({ sync: this.#isSync });
      this.#stored = { generation, indexes, state: { ordering, application } };
      this.#saveBytesMax = Math.max(this.#saveBytesMax, savedBytes);
      return true;
    } finally {
      await flip.close();
    }
  }

  /** Resolves in another turn of the event loop. */
  #write(batch: Put[]): Promise<void> {
    if (batch.length > 0) return this.#database.batch(batch, { sync: this.#isSync });
    return new Promise((resolve) => setImmediate(resolve));
  }
}
