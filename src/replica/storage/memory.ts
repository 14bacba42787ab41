/** `durability: memory`: everything counts as durable at once, and is kept nowhere. */
import type { StateToSave } from '../../ordering/index.js';
import type { Storage, StorageListener } from './port.js';

export class MemoryStorage implements Storage {
  #listener: StorageListener | null = null;

  listen(listener: StorageListener): void {
    this.#listener = listener;
  }

  append(recordNumber: number): void {
    this.#listener?.stored(recordNumber);
  }

  saveState({ certificate }: StateToSave): void {
    this.#listener?.stateSaved(certificate.sequenceNumber);
  }

  truncate(): void {
    // Nothing is kept.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
