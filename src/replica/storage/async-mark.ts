/**
 * `durability: async` survives a killed process, since the system still has what was written, but not a power cut. So
 * while such a replica runs, a file in its data directory says under which boot of the machine: if it is still there at
 * another boot, the vote log may lack what was told as stored.
 */
import { existsSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from './put-aside.js';

const markName = 'written-without-sync';
const bootIdPath = '/proc/sys/kernel/random/boot_id';

/** Null: this system does not tell, so that every unclean end counts as a power cut. */
export function readBootId(): string | null {
  return existsSync(bootIdPath) ? readFileSync(bootIdPath, 'utf8').trim() : null;
}

export class AsyncMark {
  readonly #path: string;
  readonly #bootId: string | null;

  constructor(dataDir: string, bootId = readBootId()) {
    this.#path = join(dataDir, markName);
    this.#bootId = bootId;
  }

  /** Whether an earlier life ended unclean and the machine has, or may have, been down since. */
  get isOfAnotherBoot(): boolean {
    if (!existsSync(this.#path)) return false;
    return this.#bootId === null || readFileSync(this.#path, 'utf8') !== this.#bootId;
  }

  /** Before anything is written without sync. */
  async set(): Promise<void> {
    const draft = `${this.#path}.new`;
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(this.#bootId ?? 'unknown');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
    await syncDirectory(dirname(this.#path));
  }

  /** Once everything is durable. */
  async clear(): Promise<void> {
    if (!existsSync(this.#path)) return;
    await rm(this.#path);
    await syncDirectory(dirname(this.#path));
  }
}
