/**
 * Vote log and page store of one data directory as one storage. States are saved in the background, each replica a
 * little later than the one before it, so that neighbours on one machine do not all write at once.
 */
import type { ReplicaId, SequenceNumber } from '../../base/index.js';
import type { LogRecord } from '../../codec/index.js';
import type { StateToSave } from '../../ordering/index.js';
import type { PageStore } from './page-store.js';
import type { Storage, StorageListener } from './port.js';
import type { VoteLog } from './vote-log.js';

export interface DiskStorageParts {
  readonly replica: ReplicaId;
  readonly log: VoteLog;
  readonly pages: PageStore;
  /** Last of all; `isClean`: everything that was told as durable has been written. */
  closed(isClean: boolean): Promise<void>;
}

const saveDelayMs = 150;
const saveDelayMaxMs = 3_000;

export class DiskStorage implements Storage {
  readonly #parts: DiskStorageParts;
  #listener: StorageListener | null = null;
  #saveTimer: NodeJS.Timeout | null = null;
  #hasFailed = false;
  #isClosed = false;

  constructor(parts: DiskStorageParts) {
    this.#parts = parts;
  }

  listen(listener: StorageListener): void {
    this.#listener = listener;
    this.#parts.log.listen({
      stored: (recordNumber) => {
        if (!this.#isClosed) listener.stored(recordNumber);
      },
      failed: (error) => this.#fail(error),
    });
  }

  append(recordNumber: number, record: LogRecord, isLazy: boolean): void {
    this.#parts.log.append(recordNumber, record, isLazy);
  }

  saveState(state: StateToSave): void {
    if (this.#isClosed) return;
    const delayMs = Math.min(saveDelayMaxMs, this.#parts.replica * saveDelayMs);
    this.#saveTimer = setTimeout(() => void this.#save(state), delayMs);
  }

  truncate(sequenceNumber: SequenceNumber): void {
    this.#parts.log.truncate(sequenceNumber);
  }

  /** What two more saved states take. */
  neededBytes(): number {
    return 2 * this.#parts.pages.saveBytesMax;
  }

  async close(): Promise<void> {
    const { log, pages, closed } = this.#parts;
    this.#isClosed = true;
    if (this.#saveTimer !== null) clearTimeout(this.#saveTimer);
    await new Promise<void>((resolve) => log.close(resolve));
    await pages.close();
    await closed(!this.#hasFailed);
  }

  async #save(state: StateToSave): Promise<void> {
    const { log, pages } = this.#parts;
    try {
      const isSaved = await pages.save(state, () => log.position);
      if (isSaved && !this.#isClosed && !this.#hasFailed)
        this.#listener?.stateSaved(state.certificate.sequenceNumber);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const isFirst = !this.#hasFailed;
    this.#hasFailed = true;
    if (isFirst && !this.#isClosed) this.#listener?.failed(error);
  }
}
